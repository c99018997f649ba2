// Package assets holds the use-cases of pictures: it copies what engines made into a store
// of our own, takes what users and engines upload, and serves, scales and removes all of it.
package assets
