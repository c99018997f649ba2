package config

import (
	"fmt"
	"reflect"
	"runtime"
	"strconv"
	"strings"
)

// maxConcurrency is the upper bound of WORKER_CONCURRENCY; its default must not
// exceed it on a large machine.
const maxConcurrency = 64

// fileSuffix after a setting's name makes the name of the file it is read from.
const fileSuffix = "_FILE"

// field is one setting: a field of one of Config's groups.
type field struct {
	name  string
	group string // the group's title
	tag   reflect.StructTag
	value reflect.Value
}

// fieldsOf lists every setting of c, in the order of the struct. All that knows
// the list of settings gets it here.
func fieldsOf(c *Config) []field {
	var out []field
	root := reflect.ValueOf(c).Elem()
	for i := range root.NumField() {
		title, ok := root.Type().Field(i).Tag.Lookup("title")
		if !ok {
			continue
		}
		group := root.Field(i)
		for j := range group.NumField() {
			tag := group.Type().Field(j).Tag
			out = append(out, field{name: tag.Get("env"), group: title, tag: tag, value: group.Field(j)})
		}
	}
	return out
}

// secret says that the whole value is one.
func (f field) secret() bool {
	switch f.value.Interface().(type) {
	case Secret, []Secret:
		return true
	}
	return false
}

// defaultText is the default as it would be written in the environment.
func (f field) defaultText() string {
	if f.tag.Get("defaultFrom") == "cores" {
		// GOMAXPROCS and not NumCPU: it knows the limit of a container.
		return strconv.Itoa(min(runtime.GOMAXPROCS(0), maxConcurrency))
	}
	return f.tag.Get("default")
}

// doc is the setting's meaning, with its range and with what it means to leave it
// out. The range is taken from the tags that enforce it.
func (f field) doc() string {
	parts := []string{f.tag.Get("doc")}
	if r := f.rangeText(); r != "" {
		parts = append(parts, r)
	}
	if empty := f.tag.Get("empty"); empty != "" {
		parts = append(parts, "Not set: "+empty+".")
	}
	return strings.Join(parts, " ")
}

func (f field) rangeText() string {
	low, high := f.tag.Get("min"), f.tag.Get("max")
	switch f.value.Interface().(type) {
	case Secret, []Secret:
		if low != "" {
			return fmt.Sprintf("%s–%s bytes each.", low, high)
		}
		return ""
	case Hundredths:
		return fmt.Sprintf("%s–%s credits, at most two places.", low, high)
	case bool:
		return "true or false."
	case string:
		if words := f.tag.Get("oneof"); words != "" {
			return "One of " + strings.Join(strings.Fields(words), ", ") + "."
		}
		return ""
	}
	if high == "" {
		return ""
	}
	return low + "–" + high + "."
}
