package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// helpWidth is the terminal that help is written for.
const helpWidth = 80

// wrap breaks text at words into lines of so many columns, each after the indent. A word
// that is longer has a line of its own.
func wrap(text, indent string, width int) []string {
	var lines []string
	line := indent
	for _, word := range strings.Fields(text) {
		switch {
		case line == indent:
		case columns(line)+1+columns(word) > width:
			lines, line = append(lines, line), indent
		default:
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// indented is text as lines of a terminal's width.
func indented(text, indent string) string {
	return strings.Join(wrap(text, indent, helpWidth-1), "\n") + "\n"
}

// paragraphs wraps each paragraph of a help text: those are separated by an empty line.
func paragraphs(text string) string {
	all := strings.Split(text, "\n\n")
	for i, p := range all {
		all[i] = strings.Join(wrap(p, "", helpWidth), "\n")
	}
	return strings.Join(all, "\n\n")
}

// fitHelp makes the help of a command, and of those beneath, fit a terminal of 80
// columns.
func fitHelp(cmd *cobra.Command) {
	cmd.Long = paragraphs(cmd.Long)
	for _, sub := range cmd.Commands() {
		fitHelp(sub)
	}
}

// fitUsage has flags broken at words: a terminal would break them anywhere.
func fitUsage(root *cobra.Command) {
	for _, flags := range []string{".LocalFlags", ".InheritedFlags"} {
		root.SetUsageTemplate(strings.Replace(root.UsageTemplate(), flags+".FlagUsages ", flags+".FlagUsagesWrapped 80 ", 1))
	}
}
