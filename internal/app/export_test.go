package app

import aigen "github.com/creativeflow/aigen-orchestrator"

// Remembered is what the service would change without loading it; nil for nothing.
func (s *Service) Remembered(id aigen.ID) *aigen.Generation { return s.recent.get(id) }
