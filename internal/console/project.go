package console

import (
	"github.com/creativeflow/aigen"
)

// project is a project to choose. The service knows projects by their ids alone; what
// they are called is known where they come from.
type project struct {
	ID   aigen.ID
	Name string
}

// projectsLookedAt is how many of the newest generations tell which projects there are.
const projectsLookedAt = 100

// projectsOf are those that the user's newest generations belong to, the newest first,
// with the user's own and the one that is chosen.
func (k *Console) projectsOf(s session, recent []*aigen.Generation, chosen string) []project {
	own := k.projectOf(s)
	all := []project{{own, "Personal"}}
	seen := map[aigen.ID]bool{own: true}
	add := func(id aigen.ID) {
		if !seen[id] {
			seen[id] = true
			all = append(all, project{id, "Project " + id.String()[:8]})
		}
	}
	if id, err := aigen.ParseID(chosen); err == nil {
		add(id)
	}
	for _, g := range recent {
		add(g.ProjectID)
	}
	return all
}
