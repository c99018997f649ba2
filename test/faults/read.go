package faults

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the database of the replicas
	_ "modernc.org/sqlite"             // the database of the one replica
)

// dialect is how the two databases spell the same columns.
type dialect struct {
	id   func(column string) string
	time func(column string) string // microseconds
	json func(column string) string
}

var dialects = map[Store]dialect{
	PostgreSQL: {
		id:   func(c string) string { return "coalesce(" + c + "::text, '')" },
		time: func(c string) string { return "(extract(epoch FROM " + c + ") * 1000000)::bigint" },
		json: func(c string) string { return "coalesce(" + c + "::text, '')" },
	},
	SQLite: {
		id:   func(c string) string { return "coalesce(lower(hex(" + c + ")), '')" },
		time: func(c string) string { return c },
		json: func(c string) string { return "coalesce(" + c + ", '')" },
	},
}

// openDatabase opens the database of a stage for reading.
func openDatabase(store Store, where string) (*sql.DB, error) {
	if store == PostgreSQL {
		return sql.Open("pgx", where)
	}
	return sql.Open("sqlite", "file:"+filepath.Join(where, "aigen.db")+"?_pragma=busy_timeout(10000)")
}

// querier is a database, or a transaction on it.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// reader reads rows and keeps the first error.
type reader struct {
	db  querier
	d   dialect
	err error
}

func (r *reader) each(query string, f func(scan func(...any))) {
	if r.err != nil {
		return
	}
	rows, err := r.db.QueryContext(context.Background(), query)
	if err != nil {
		r.err = fmt.Errorf("%w: %s", err, query)
		return
	}
	defer rows.Close()
	for rows.Next() {
		f(func(to ...any) {
			if err := rows.Scan(to...); err != nil && r.err == nil {
				r.err = fmt.Errorf("%w: %s", err, query)
			}
		})
	}
	r.err = errors.Join(r.err, rows.Err())
}

// readDatabase reads everything that the judge wants to know of the database. It is
// SQL on the tables themselves, so that no code of the service can agree with itself.
func readDatabase(store Store, db querier, ev *Observations) error {
	r := &reader{db: db, d: dialects[store]}
	ev.Store = store
	ev.Generations, ev.EventPosition, ev.Keys, ev.Accounts = map[string]*Generation{}, map[string]int64{}, map[string]Key{}, map[string]Account{}
	ev.Orphans, ev.Deliveries, ev.Entries = nil, nil, nil
	r.generations(ev)
	r.runs(ev)
	r.events(ev)
	r.rest(ev)
	return r.err
}

func (r *reader) generations(ev *Observations) {
	d := r.d
	r.each("SELECT "+strings.Join([]string{
		d.id("id"), d.id("user_id"), "prompt", "status", d.json("parameters"), d.json("samples"), "selected_sample_id", "final_asset_id",
		d.json("failure"), "last_event", "version", "due_at IS NOT NULL", d.time("created_at"), d.time("updated_at"),
	}, ", ")+" FROM generations", func(scan func(...any)) {
		var g Generation
		var parameters, samples, failure string
		var created, updated int64
		scan(&g.ID, &g.User, &g.Prompt, &g.Status, &parameters, &samples, &g.Selected, &g.FinalID, &failure, &g.LastEvent, &g.Version,
			&g.Due, &created, &updated)
		g.ID, g.User = uuidText(g.ID), uuidText(g.User)
		g.Samples = r.samples(parameters)
		g.SampleIDs = r.assetIDs(samples)
		var f struct{ Code string }
		r.json(failure, &f)
		g.FailureCode = f.Code
		g.Created, g.Updated = time.UnixMicro(created), time.UnixMicro(updated)
		ev.Generations[g.ID] = &g
	})
}

func (r *reader) samples(parameters string) int {
	p := struct{ Samples int }{}
	r.json(parameters, &p)
	if p.Samples == 0 {
		return 4 // contract section 1
	}
	return p.Samples
}

func (r *reader) assetIDs(raw string) (ids []string) {
	var assets []struct{ AssetID string }
	r.json(raw, &assets)
	for _, a := range assets {
		ids = append(ids, a.AssetID)
	}
	return ids
}

func (r *reader) json(raw string, to any) {
	if raw == "" {
		return
	}
	if err := json.Unmarshal([]byte(raw), to); err != nil && r.err == nil {
		r.err = fmt.Errorf("%w: %s", err, raw)
	}
}

func (r *reader) runs(ev *Observations) {
	d := r.d
	r.each("SELECT "+strings.Join([]string{
		d.id("generation_id"), d.id("id"), "number", "stage", d.json("input"), "sample_id", "resolution", "amount", "reservation", d.json("jobs"),
	}, ", ")+" FROM runs ORDER BY generation_id, number", func(scan func(...any)) {
		var generation, input, jobs string
		var run RunRow
		scan(&generation, &run.ID, &run.Number, &run.Stage, &input, &run.SampleID, &run.Resolution, &run.Amount, &run.Reservation, &jobs)
		run.ID, generation = uuidText(run.ID), uuidText(generation)
		if input != "" {
			var in struct{ InputParameters json.RawMessage }
			r.json(input, &in)
			run.SamplesAsked = r.samples(string(in.InputParameters))
		}
		r.json(jobs, &run.Jobs)
		g := ev.Generations[generation]
		if g == nil {
			ev.Orphans = append(ev.Orphans, "run "+run.ID+" of generation "+generation)
			return
		}
		g.Runs = append(g.Runs, run)
	})
}

func (r *reader) events(ev *Observations) {
	d := r.d
	r.each("SELECT "+strings.Join([]string{
		d.id("generation_id"), "seq", "position", d.id("user_id"), "type", d.time("at"), d.json("data"),
	}, ", ")+" FROM events ORDER BY generation_id, seq", func(scan func(...any)) {
		var generation, data string
		var at int64
		var e Event
		scan(&generation, &e.Seq, &e.Position, &e.User, &e.Type, &at, &data)
		e.User, generation, e.At = uuidText(e.User), uuidText(generation), time.UnixMicro(at)
		e.fill(data)
		g := ev.Generations[generation]
		if g == nil {
			ev.Orphans = append(ev.Orphans, fmt.Sprintf("event %d of generation %s", e.Seq, generation))
			return
		}
		g.Events = append(g.Events, e)
	})
}

func (e *Event) fill(data string) {
	var v struct {
		GenerationID, Status, Stage, SelectedSampleID, FinalAssetID string
		Attempt                                                     int
		Credits                                                     struct{ Reserved, Deducted, Refunded string }
		SampleAssets                                                []struct{ AssetID string }
		Error                                                       *struct{ Code string }
	}
	if err := json.Unmarshal([]byte(data), &v); err != nil {
		e.Unreadable = err.Error()
		return
	}
	e.OfGeneration, e.Status, e.Stage, e.Selected, e.FinalID, e.Attempt = v.GenerationID, v.Status, v.Stage, v.SelectedSampleID, v.FinalAssetID, v.Attempt
	var errs [3]error
	e.Reserved, errs[0] = hundredths(v.Credits.Reserved)
	e.Deducted, errs[1] = hundredths(v.Credits.Deducted)
	e.Refunded, errs[2] = hundredths(v.Credits.Refunded)
	if err := errors.Join(errs[:]...); err != nil {
		e.Unreadable = err.Error()
	}
	for _, a := range v.SampleAssets {
		e.SampleIDs = append(e.SampleIDs, a.AssetID)
	}
	if v.Error != nil {
		e.ErrorCode = v.Error.Code
	}
}

func (r *reader) rest(ev *Observations) {
	d := r.d
	r.each("SELECT "+d.id("id")+", kind, state, "+d.id("generation_id")+", "+d.id("run_id")+", attempts, last_error FROM deliveries", func(scan func(...any)) {
		var v Delivery
		scan(&v.ID, &v.Kind, &v.State, &v.Generation, &v.Run, &v.Attempts, &v.LastError)
		v.ID, v.Generation, v.Run = uuidText(v.ID), uuidText(v.Generation), uuidText(v.Run)
		ev.Deliveries = append(ev.Deliveries, v)
	})
	r.each("SELECT "+d.id("user_id")+", key, "+d.id("generation_id")+", "+d.id("run_id")+", "+d.json("answer")+" FROM idempotency_keys", func(scan func(...any)) {
		var user, key string
		var k Key
		scan(&user, &key, &k.Generation, &k.Run, &k.Answer)
		k.Generation, k.Run = uuidText(k.Generation), uuidText(k.Run)
		ev.Keys[uuidText(user)+" "+key] = k
	})
	r.each("SELECT "+d.id("user_id")+", coalesce(balance, 0), held, event_position FROM accounts", func(scan func(...any)) {
		var user string
		var a Account
		var position int64
		scan(&user, &a.Balance, &a.Held, &position)
		ev.Accounts[uuidText(user)], ev.EventPosition[uuidText(user)] = a, position
	})
	r.each("SELECT "+d.id("user_id")+", kind, "+d.id("run_id")+", amount FROM ledger_entries ORDER BY id", func(scan func(...any)) {
		var e Entry
		scan(&e.User, &e.Kind, &e.Run, &e.Amount)
		e.User, e.Run = uuidText(e.User), uuidText(e.Run)
		ev.Entries = append(ev.Entries, e)
	})
}

// uuidText writes 32 hex digits as a UUID; others stay as they are.
func uuidText(s string) string {
	if len(s) != 32 {
		return s
	}
	if _, err := hex.DecodeString(s); err != nil {
		return s
	}
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}
