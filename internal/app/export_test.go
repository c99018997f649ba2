package app

import (
	"log/slog"

	"github.com/creativeflow/aigen"
)

// SetDispatcher is for tests that replace the relay of a service.
func (s *Service) SetDispatcher(d Dispatcher) { s.dispatcher = d }

// Policy is the policy of the service.
func (s *Service) Policy() *aigen.Policy { return s.policy }

// Log is the log of the service.
func (s *Service) Log() *slog.Logger { return s.log }

// Remembered is what the service would change without loading it; nil for nothing.
func (s *Service) Remembered(id aigen.ID) *aigen.Generation { return s.cache.get(id) }
