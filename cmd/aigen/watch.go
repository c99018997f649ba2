package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/client"
)

// watchOptions is the command line of `aigen watch`.
type watchOptions struct {
	serviceOptions

	json  bool
	limit int
}

func newWatchCommand() *cobra.Command {
	var o watchOptions
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Show all of a user's generations live",
		Long: "Shows the newest generations of a user, and what happens to them as it happens, until Ctrl-C.\n\n" +
			"On a terminal it draws a table and keeps it up to date. Into a pipe it writes a line for each event\n" +
			"from now on, and with --json each event as the service sent it. When the service goes away, it waits\n" +
			"for it to come back.",
		Example: `  aigen watch
  aigen watch | grep generation_failed
  aigen watch --json |
    jq -r 'select(.type == "generation_completed").finalAsset.url'`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return watch(cmd.Context(), &o, terminalOf(cmd))
		},
	}
	o.flags(cmd, "the one that runs on this machine")
	cmd.Flags().BoolVar(&o.json, "json", false, "one JSON object per event on standard output")
	cmd.Flags().IntVar(&o.limit, "limit", 20, "how many generations to begin with, 1 to 100")
	return cmd
}

func (o *watchOptions) check(term terminal) error {
	var faults []string
	fault := collect(&faults)
	o.serviceOptions.check(term, fault)
	if o.limit < 1 || o.limit > 100 {
		fault("--limit must be from 1 to 100")
	}
	return usageError(faults)
}

// watch shows what happens until ctx ends, which is how it is meant to end.
func watch(ctx context.Context, o *watchOptions, term terminal) error {
	if err := o.check(term); err != nil {
		return err
	}
	c, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer c.CloseIdle()
	v := newWatchView(o, term, c)
	err = (&watcher{o: o, client: c, view: v}).run(ctx)
	v.close()
	switch {
	case ctx.Err() != nil:
		return nil
	case client.StatusOf(err) == http.StatusUnauthorized:
		return errors.New("the service does not accept the token, or not any more: " + printable(err.Error()))
	}
	return err
}

// connect finds the service that is named or, without a name, runs on our database.
func (o *watchOptions) connect(ctx context.Context) (*client.Client, error) {
	base := o.server
	if base == "" {
		c, err := loadSettings()
		if err != nil {
			return nil, err
		}
		if base, err = readyService(ctx, c); err != nil {
			return nil, err
		}
	}
	return o.client(ctx, base)
}

// watchView shows what a watcher learns. Its methods are called one at a time.
type watchView interface {
	known(all []client.Generation) // the newest, as they are now
	event(e client.Event) error
	link(l client.Link)
	tick()
	// wants reports whether known is of use.
	wants() bool
	close()
}

func newWatchView(o *watchOptions, term terminal, c *client.Client) watchView {
	switch {
	case o.json:
		return &watchJSON{out: rawOf(term.out)}
	case term.canTakeOver():
		return newWatchScreen(term, c.URL())
	default:
		return &watchLines{out: term.out, err: term.err}
	}
}

// watcher brings together what is asked for and what comes by itself.
type watcher struct {
	o      *watchOptions
	client *client.Client
	view   watchView
}

// asked is the answer to a question about the newest generations.
type asked struct {
	all []client.Generation
	err error
}

func (w *watcher) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events, links := make(chan arrival), make(chan client.Link)
	go func() {
		pass := func(l client.Link) { send(ctx, links, l) }
		for e, err := range w.client.StreamAll(ctx, pass) {
			if !send(ctx, events, arrival{e, err}) {
				return
			}
		}
	}()
	answers := make(chan asked)
	ticker := time.NewTicker(redrawEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case l := <-links:
			w.view.link(l)
			if l.Down == nil {
				w.ask(ctx, answers)
			}
		case a := <-answers:
			if a.err != nil {
				return a.err
			}
			w.view.known(a.all)
		case a := <-events:
			if a.err != nil {
				return a.err
			}
			if err := w.view.event(a.event); err != nil {
				return err
			}
			if a.event.Type == aigen.EventCreated {
				w.ask(ctx, answers) // events carry no prompt
			}
		case <-ticker.C:
			w.view.tick()
		}
	}
}

// ask reads the newest generations, beside everything else.
func (w *watcher) ask(ctx context.Context, answers chan<- asked) {
	if !w.view.wants() {
		return
	}
	go func() {
		all, err := w.client.Newest(ctx, w.o.limit)
		if p := new(client.Problem); !errors.As(err, &p) {
			err = nil // the link tells of an outage
		}
		send(ctx, answers, asked{all, err})
	}()
}

// send reports whether somebody took it.
func send[T any](ctx context.Context, to chan<- T, v T) bool {
	select {
	case to <- v:
		return true
	case <-ctx.Done():
		return false
	}
}
