package aigen

import (
	"encoding/base32"
	"errors"
)

// AssetName names a picture in its permanent URL: 128 random bits. Whoever has the name may
// see the picture, and nobody can guess one. Zero is none.
type AssetName [16]byte

// ErrAssetName is returned by ParseAssetName.
var ErrAssetName = errors.New("not the name of an asset")

// assetNames has one spelling for each name: lower case, without padding.
var assetNames = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// assetNameLength is the length of the text of a name.
const assetNameLength = 26

// ParseAssetName reads the text of a name.
func ParseAssetName(s string) (AssetName, error) {
	var n AssetName
	if len(s) != assetNameLength {
		return AssetName{}, ErrAssetName
	}
	b, err := assetNames.DecodeString(s)
	if err != nil || assetNames.EncodeToString(b) != s { // the last letter has two bits to spare
		return AssetName{}, ErrAssetName
	}
	copy(n[:], b)
	return n, nil
}

// String is the text of the name: 26 letters and digits.
func (n AssetName) String() string { return assetNames.EncodeToString(n[:]) }

// IsZero reports whether there is no name.
func (n AssetName) IsZero() bool { return n == AssetName{} }

// MarshalText writes the text of the name.
func (n AssetName) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalText reads the text of a name.
func (n *AssetName) UnmarshalText(text []byte) error {
	parsed, err := ParseAssetName(string(text))
	if err != nil {
		return err
	}
	*n = parsed
	return nil
}
