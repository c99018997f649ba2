package faults

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/creativeflow/aigen/internal/testenv"
)

// inject carries out the schedule and comes back when the last fault is over.
func (s *cluster) inject(ctx context.Context, all []Fault) {
	began := time.Now()
	var wg sync.WaitGroup
	for _, f := range all {
		select {
		case <-ctx.Done():
			wg.Wait()
			return
		case <-time.After(time.Until(began.Add(f.At))):
		}
		wg.Go(func() {
			in := Injected{Fault: f, Began: time.Now()}
			if err := s.one(ctx, f); err != nil {
				in.Err = err.Error()
			}
			in.Ended = time.Now()
			add(s.records, &s.records.Faults, in)
		})
	}
	wg.Wait()
}

// one carries out one fault and undoes it after its time.
func (s *cluster) one(ctx context.Context, f Fault) error {
	wait := func(d time.Duration) {
		select {
		case <-ctx.Done():
		case <-time.After(d):
		}
	}
	switch f.Kind {
	case Cut, Slow, HalfOpen, Reset, Trickle:
		if f.Line == LineEngine {
			return s.engineLine.afflict(f, wait)
		}
		return s.replicas[f.Replica].lines[f.Line].afflict(f, wait)
	case CreditError, CreditErrorDone, CreditHTML, CreditTruncated, CreditLate, CreditReset:
		return s.credits.inject(f.Kind, f.Amount, wait)
	case NoticeError, NoticeLate:
		return s.notifications.inject(f.Kind, f.Amount, wait)
	case KillReplica, TermReplica:
		return s.endReplica(f)
	case StopPostgreSQL, KillPostgreSQL, PausePostgreSQL, CrashPostgreSQL:
		return s.disturb(s.database, LineDatabase, f, wait)
	case StopRabbitMQ:
		return s.disturb(s.broker, LineBroker, f, wait)
	case KillRedis, PauseRedis:
		return s.disturb(s.redis, LineRedis, f, wait)
	case ClockStep:
		r := s.replicas[f.Replica]
		if err := r.setClock(f.Amount); err != nil {
			return err
		}
		wait(f.For)
		return r.setClock(0)
	case DiskFull:
		if err := s.disk.fill(); err != nil {
			return err
		}
		wait(f.For)
		return s.disk.free()
	}
	return nil
}

// endReplica waits for the replica to be there: a fault that hits nothing is none.
func (s *cluster) endReplica(f Fault) error {
	signal := syscall.SIGKILL
	if f.Kind == TermReplica {
		signal = syscall.SIGTERM
	}
	r := s.replicas[f.Replica]
	if !until(s.ctx, 20*time.Second, func() bool { return r.end(signal, f.For) }) {
		return fmt.Errorf("replica %d was not there to be ended for 20 s", f.Replica)
	}
	return nil
}

// disturb ends or stops a server for a while, one fault at a time.
func (s *cluster) disturb(server *testenv.Server, name string, f Fault, wait func(time.Duration)) error {
	s.servers[name].Lock()
	defer s.servers[name].Unlock()
	end, begin := server.Stop, server.Start
	switch f.Kind {
	case KillPostgreSQL, KillRedis:
		end = server.Kill
	case PausePostgreSQL, PauseRedis:
		end, begin = server.Pause, server.Resume
	case CrashPostgreSQL:
		end, begin = server.Pause, func() error { return errors.Join(server.Kill(), server.Start()) }
	default:
	}
	if err := end(); err != nil {
		return err
	}
	wait(f.For)
	return begin()
}
