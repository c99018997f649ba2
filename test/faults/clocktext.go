package faults

import "time"

func clockText(t time.Time) string { return t.Format("15:04:05.000") }
