package aigen

// named gives each picture that an engine reports a name, and asks for its copy. Pictures
// that the engine has handed over have a name already.
func (g *Generation) named(p *Policy, job *Job, reported []Asset) []Asset {
	if p.NewAssetName == nil {
		return reported
	}
	named := make([]Asset, len(reported))
	for i, a := range reported {
		if a.Name.IsZero() {
			a.Name = p.NewAssetName()
			g.addEffect(Effect{Kind: EffectIngest, JobID: job.ID, Asset: a})
		}
		a.URL = ""
		named[i] = a
	}
	return named
}

func (g *Generation) namedFinal(p *Policy, job *Job, reported *Asset) *Asset {
	if reported == nil {
		return nil
	}
	return &g.named(p, job, []Asset{*reported})[0]
}

// AssetLost records that a picture could not be copied. It reports false, and changes
// nothing, if the generation does not show the picture any more. Generations that have
// ended record it too: their user believes to have the picture.
func (g *Generation) AssetLost(p *Policy, name AssetName) bool {
	a := g.asset(name)
	if a == nil {
		return false
	}
	g.recordWith(p, EventAssetLost, func(d *EventData) { d.AssetID = a.AssetID })
	g.addEffect(Effect{Kind: EffectNotify, Notice: EventAssetLost})
	return true
}

// asset returns the picture with this name; nil if there is none.
func (g *Generation) asset(name AssetName) *Asset {
	for i := range g.Samples {
		if g.Samples[i].Name == name {
			return &g.Samples[i]
		}
	}
	if g.FinalAsset != nil && g.FinalAsset.Name == name {
		return g.FinalAsset
	}
	return nil
}

// Assets lists the names of all pictures that the generation shows.
func (g *Generation) Assets() []AssetName {
	var names []AssetName
	for i := range g.Samples {
		if n := g.Samples[i].Name; !n.IsZero() {
			names = append(names, n)
		}
	}
	if g.FinalAsset != nil && !g.FinalAsset.Name.IsZero() {
		names = append(names, g.FinalAsset.Name)
	}
	return names
}
