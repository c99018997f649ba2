package app

import (
	"context"

	"github.com/creativeflow/aigen"
)

// warnOfShortResult tells who runs the engine that it made less than was asked and is paid for.
// The contract does not let a report be refused for that, and credits follow the run.
func (s *Service) warnOfShortResult(ctx context.Context, g *aigen.Generation, rep aigen.Report) {
	switch asked := g.Input.Parameters.Samples; {
	case rep.Kind == aigen.ReportSamples && len(rep.Samples) < asked:
		s.log.WarnContext(ctx, "the engine made fewer samples than were asked",
			"generation_id", g.ID, "job_id", rep.JobID, "asked", asked, "made", len(rep.Samples))
	case rep.Kind == aigen.ReportFinal && rep.FinalAsset != nil:
		final, size := rep.FinalAsset, aigen.Resolution{}
		for i := range g.Runs {
			if g.Runs[i].Stage == aigen.StageFinal {
				size = g.Runs[i].Resolution // the newest is the last
			}
		}
		if final.Width > 0 && final.Width < size.Width || final.Height > 0 && final.Height < size.Height {
			s.log.WarnContext(ctx, "the engine made a smaller final than was asked", "generation_id", g.ID, "job_id", rep.JobID,
				"asked", size.String(), "made", aigen.Resolution{Width: final.Width, Height: final.Height}.String())
		}
	}
}
