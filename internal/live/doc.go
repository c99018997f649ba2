// Package live streams events to those who watch. A Hub hands events of this process to its
// streams; a Bus carries them between replicas. Both may lose events: a stream finds a gap by
// the numbers of the events and reads the store.
package live
