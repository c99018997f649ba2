package aigen

import "time"

// AssetKind is where a stored picture came from.
type AssetKind string

// The kinds of stored pictures.
const (
	AssetResult AssetKind = "result" // an engine made it for a generation
	AssetUpload AssetKind = "upload" // a user brought it
)

// AssetState is whether the service has the bytes.
type AssetState string

// The states of a stored picture.
//
//	waiting ──► stored
//	   └──────► lost
const (
	AssetWaiting AssetState = "waiting" // to be copied from its source, or being uploaded
	AssetStored  AssetState = "stored"
	AssetLost    AssetState = "lost" // the source did not give it up; SourceURL is all that is left
)

// SourceType says how a picture was made, in IPTC's terms (contract section 8).
type SourceType string

// The source types of results.
const (
	SourceTrained     SourceType = "trainedAlgorithmicMedia"              // by a model
	SourceComposite   SourceType = "compositeWithTrainedAlgorithmicMedia" // by a model that edited a reference
	SourceAlgorithmic SourceType = "algorithmicMedia"                     // by rules alone
)

// StoredAsset is a picture of which the service keeps a copy.
type StoredAsset struct {
	Name         AssetName
	AssetID      string // the engine's for a result, ours for what was uploaded
	Kind         AssetKind
	UserID       ID
	GenerationID ID     // zero for the upload of a user
	JobID        ID     // the job that made it; zero for the upload of a user
	Model        string // what made it; "" if that is unknown
	SourceURL    string // where the engine has it; "" once it was copied, and for uploads

	State      AssetState
	Format     string // "png", "jpeg" or "webp"; "" until it is stored, likewise below
	Width      int    // pixels, as shown
	Height     int
	Size       int64      // bytes of what is stored
	SHA256     [32]byte   // of what is stored
	SourceHash [32]byte   // of what came, before it was marked
	SourceType SourceType // "" for the upload of a user

	CreatedAt time.Time
	StoredAt  time.Time // zero until it is stored
	RemoveAt  time.Time // when it is removed; zero: with its generation
}

// AssetFacts are what is known of a picture once it is stored.
type AssetFacts struct {
	Format     string
	Width      int
	Height     int
	Size       int64
	SHA256     [32]byte
	SourceHash [32]byte
	SourceType SourceType
	StoredAt   time.Time
}

// ReferenceRole is what a reference is for.
type ReferenceRole string

// The roles of references (contract section 8).
const (
	RoleReference ReferenceRole = "reference" // something like this
	RoleStyle     ReferenceRole = "style"     // in this style
	RoleMask      ReferenceRole = "mask"      // only where this is white
	RoleLogo      ReferenceRole = "logo"      // with this placed on it
)

// ReferenceRoles lists the roles.
func ReferenceRoles() []ReferenceRole {
	return []ReferenceRole{RoleReference, RoleStyle, RoleMask, RoleLogo}
}

// MaxReferences is the number of references of one input.
const MaxReferences = 16

// Reference is a picture that a user gives along with the prompt. The service fills in all
// but AssetID and Role from the stored picture.
type Reference struct {
	AssetID string        `json:"assetId"`
	Role    ReferenceRole `json:"role"`
	Name    AssetName     `json:"name,omitzero"`
	Width   int           `json:"width,omitempty"`
	Height  int           `json:"height,omitempty"`
	Format  string        `json:"format,omitempty"`
}
