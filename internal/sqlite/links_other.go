//go:build !unix

package sqlite

import "os"

// links is the number of names that a file has, where the system tells it.
func links(os.FileInfo) uint64 { return 1 }
