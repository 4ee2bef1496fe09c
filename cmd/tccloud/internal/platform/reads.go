package platform

import (
	"net/http"
	"slices"
	"strings"

	"tcenvsvr/cmd/tccloud/internal/platform/batch"
)

// owner is how the platform shows an organization.
type owner struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
}

// own is the execution's Environment: the only owner that it sees.
func (c *call) own() owner { return owner{1, c.Environment, "Organization"} }

func (p *Platform) owners(c *call) error {
	list, err := page(c, []owner{c.own()})
	if err != nil {
		return err
	}
	return c.success(map[string]any{"resultCount": 1, "owner": list})
}

func (p *Platform) owner(c *call) error {
	if c.rest[0] != "1" && c.rest[0] != "mine" {
		return failure(http.StatusNotFound, "there is no such owner")
	}
	return c.success(map[string]any{"resultCount": 1, "owner": c.own()})
}

// whoami is the one user of this cloud.
func (p *Platform) whoami(c *call) error {
	return c.success(map[string]any{"user": map[string]string{
		"userName": "tccloud", "firstName": "tccloud", "lastName": "tccloud", "pseudonym": "tccloud", "role": "Api User",
	}})
}

func (p *Platform) indicatorTypes(c *call) error {
	return c.success(map[string]any{"resultCount": len(batch.IndicatorTypes), "indicatorType": batch.IndicatorTypes})
}

func (p *Platform) indicatorType(c *call) error {
	for _, t := range batch.IndicatorTypes {
		if t.Name == c.rest[0] {
			return c.success(map[string]any{"indicatorType": t})
		}
	}
	return failure(http.StatusNotFound, "there is no such type of indicators")
}

func (p *Platform) associationTypes(c *call) error {
	return c.success(map[string]any{"resultCount": 0, "associationType": []any{}})
}

// lists3 are the lists of version 3 that Apps read when they start. This cloud has nothing in them but
// in those that code knows.
var lists3 = []string{
	"artifactTypes", "artifacts", "attributeTypes", "cases", "groups", "indicators", "intelRequirements", "notes", "securityLabels",
	"tags", "tasks", "victimAssets", "victims", "workflowEvents", "workflowTemplates",
	"security/ownerRoles", "security/systemRoles", "security/userGroups", "security/users",
}

func (p *Platform) list3(c *call) error {
	name := strings.TrimPrefix(strings.Trim(c.URL.Path, "/"), "v3/")
	if !slices.Contains(lists3, name) {
		return noEndpoint()
	}
	return answer3(c, []any{})
}

func (p *Platform) owners3(c *call) error { return answer3(c, []owner{c.own()}) }

// answer3 answers with a page in the form of version 3.
func answer3[T any](c *call, all []T) error {
	list, err := page(c, all)
	if err != nil {
		return err
	}
	answer(c.w, http.StatusOK, map[string]any{"status": "Success", "count": len(all), "data": list})
	return nil
}
