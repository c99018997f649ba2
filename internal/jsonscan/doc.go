// Package jsonscan checks JSON of any origin, and takes apart what was checked without
// copying it.
package jsonscan
