// Package image tests the container image with a real Docker engine: what is in it,
// and that the service in it does its work. `make e2e-image` builds the image and
// runs these tests; without an image to test they are skipped.
package image
