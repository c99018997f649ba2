// Package migrate is what the migrations of both stores have in common: the files with
// their checksums, the refusal of a schema that this program does not know, and the
// order in which the missing files are applied. SQL, transactions and locks are the
// store's.
package migrate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

var (
	// ErrNewerSchema is returned for a database that a later version of the program has
	// migrated. This one must not write to it: it does not know the rules.
	ErrNewerSchema = errors.New("the database was made by a newer version of aigen")
	// ErrOlderSchema is returned for a database that has to be migrated first, where that
	// was not allowed: services of the older version may be at work on it.
	ErrOlderSchema = errors.New("the database's schema is older than this program: run `aigen migrate`")
)

// Migration is one file of migrations, "0001_init.sql".
type Migration struct {
	Version  int
	Name     string
	Script   string
	Checksum string // SHA-256 of the script, in hexadecimal
}

// List is all migrations that this program knows, by version.
type List []Migration

// Load reads the folder "migrations". The numbers of its files run 1, 2, 3 …
func Load(files fs.FS) (List, error) {
	names, err := fs.Glob(files, "migrations/*.sql") // sorted
	if err != nil {
		return nil, err
	}
	list := make(List, 0, len(names))
	for i, name := range names {
		number, _, _ := strings.Cut(strings.TrimPrefix(name, "migrations/"), "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != i+1 {
			return nil, fmt.Errorf("%s: want number %04d", name, i+1)
		}
		script, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(script)
		list = append(list, Migration{version, name, string(script), hex.EncodeToString(sum[:])})
	}
	return list, nil
}

// Find reads the table of applied migrations: the newest version in it, 0 if the
// database is new, and the checksum of one version, "" if that is not in it.
type Find func(ctx context.Context, version int) (newest int, checksum string, err error)

// Database is a store's part of a migration.
type Database interface {
	// Look calls f with a connection that writes nothing. It may call f again.
	Look(ctx context.Context, f func(context.Context, Find) error) error
	// Apply runs the script of m and records m, in one transaction that excludes other
	// processes, unless applied says in this transaction that one of them was quicker.
	Apply(ctx context.Context, m Migration, applied func(context.Context, Find) (bool, error)) error
}

// Run applies what the database lacks. It writes nothing to one that lacks nothing, so
// that a user who may not change the schema can serve with it.
func (l List) Run(ctx context.Context, db Database) error {
	done, err := l.Count(ctx, db)
	if err != nil {
		return err
	}
	for _, m := range l[done:] {
		err := db.Apply(ctx, m, func(ctx context.Context, find Find) (bool, error) { return l.applied(ctx, m, find) })
		if err != nil {
			return err
		}
	}
	return nil
}

// Count returns how many of the migrations the database has.
func (l List) Count(ctx context.Context, db Database) (done int, err error) {
	err = db.Look(ctx, func(ctx context.Context, find Find) error {
		done = 0 // of an attempt before this one
		for _, m := range l {
			ok, err := l.applied(ctx, m, find)
			if err != nil || !ok {
				return err
			}
			done++
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return done, nil
}

// Older is the error for a database at this version, which is not the newest.
func (l List) Older(version int) error {
	return fmt.Errorf("%w (it has version %d, this program knows %d)", ErrOlderSchema, version, len(l))
}

// applied reports whether the database has m; an error if it has one that is not ours to
// go on from.
func (l List) applied(ctx context.Context, m Migration, find Find) (bool, error) {
	newest, checksum, err := find(ctx, m.Version)
	switch {
	case err != nil:
		return false, err
	case newest > len(l):
		return false, fmt.Errorf("%w: its schema has version %d, this program knows %d", ErrNewerSchema, newest, len(l))
	case newest < m.Version:
		return false, nil
	case checksum != m.Checksum:
		// One that was edited after a release: the schema would differ from a new one.
		return false, fmt.Errorf("%s is not the one that was applied to this database", m.Name)
	}
	return true, nil
}
