package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"
)

func newGenerateCommand() *cobra.Command {
	var o generateOptions
	cmd := &cobra.Command{
		Use:   `generate "a red fox, watercolour"`,
		Short: "Make a picture: a whole generation from the terminal",
		Long: "Asks for samples, lets you pick one, and saves the final picture.\n\n" +
			"Without --server the service is started within this command, on the database in DATA_DIR; if\n" +
			"`aigen serve` is running on that, it does the work. Ctrl-C cancels the generation, and what is\n" +
			"reserved for it is refunded; a second one quits at once.\n\n" +
			"Exit codes: 0 saved, 1 something went wrong, 2 wrong command line, 3 wrong setting, 4 the generation\n" +
			"ended without a picture, 5 not enough credits.",
		Example: `  aigen generate "a red fox, watercolour" --samples 4 --pick 2 --out fox.png
  aigen generate "autumn sale, bold type" --format InstagramStory
  aigen generate "a lighthouse" --pick 1 --json |
    jq -r 'select(.type == "result").file'`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return &exitError{exitUsage, errors.New(`give one prompt, in quotes: aigen generate "a red fox, watercolour"`)}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.prompt, o.pickGiven = args[0], cmd.Flags().Changed("pick")
			return generate(cmd.Context(), &o, terminalOf(cmd))
		},
	}
	f := cmd.Flags()
	o.flags(cmd, "one is started")
	f.StringVar(&o.project, "project", "", "UUID of the project it belongs to (default: a local one)")
	f.StringVar(&o.style, "style", "", "guidance on style")
	f.StringVar(&o.format, "format", "", "what it is for, such as InstagramPost or YouTubeThumbnail; decides the proportions")
	f.StringVar(&o.resolution, "resolution", "", "size of the final picture, WIDTHxHEIGHT, each side 64 to 4096 (default: that of the format)")
	f.IntVar(&o.samples, "samples", 4, "how many samples to choose from, 1 to 8")
	f.IntVar(&o.pick, "pick", 0, "which sample to take, from 1 (default: asks)")
	f.StringVarP(&o.out, "out", "o", "", "where to save the picture, - for standard output (default: named after the prompt)")
	f.StringVar(&o.saveSamples, "save-samples", "", "folder to save the samples in")
	f.BoolVar(&o.force, "force", false, "overwrite files")
	f.DurationVar(&o.timeout, "timeout", 0, "cancel the generation if it takes longer, such as 10m (default: as long as the service allows)")
	f.BoolVar(&o.noPictures, "no-pictures", false, "do not draw the samples on the terminal")
	f.BoolVar(&o.json, "json", false, "one JSON object per event on standard output, the last with the result")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "print nothing but the name of the file")
	return cmd
}

// errTimedOut is why a context ends when --timeout has passed.
var errTimedOut = errors.New("--timeout has passed")

// generate does a whole generation. Its error is what the exit code is made of.
func generate(ctx context.Context, o *generateOptions, term terminal) error {
	if err := o.check(term); err != nil {
		return err
	}
	v := newGenerateView(o, term)
	defer v.close()
	if o.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, o.timeout, errTimedOut)
		defer cancel()
	}
	r := &generateRun{o: o, term: term, view: v, began: time.Now()}
	defer r.disconnect()
	err := r.run(ctx)
	v.close()
	return r.tell(err) // before the service stops: that may take a moment
}
