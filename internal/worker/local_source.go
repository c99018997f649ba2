package worker

import (
	"errors"
	"strings"
)

// Owns reports whether an address is one of the pictures of this engine.
func (a *Assets) Owns(address string) bool {
	_, ok := a.fileAt(address)
	return ok
}

// fileAt is the name of the file behind an address. The base URL may have changed since the
// address was made, so that only the path counts.
func (a *Assets) fileAt(address string) (string, bool) {
	name := address[strings.LastIndexByte(address, '/')+1:]
	return name, strings.HasSuffix(address, "/assets/"+name) && assetName.MatchString(name)
}

// Read returns the picture at such an address.
func (a *Assets) Read(address string) ([]byte, error) {
	name, ok := a.fileAt(address)
	if !ok {
		return nil, errors.New("the address is not one of the embedded engine")
	}
	return a.get(name)
}

// Release removes a picture that was copied. What a later stage needs of it stays.
func (a *Assets) Release(address string) {
	name, ok := a.fileAt(address)
	if !ok || name == stubName {
		return
	}
	if root, err := a.folder.open(); err == nil {
		_ = root.Remove(name)
	}
}
