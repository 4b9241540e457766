package midi

import "encoding/json"

// Mapping says which plugin a trigger calls, and with what, or which mode it
// sets.
// MappingSpec.Compile makes one.
type Mapping struct {
	Name    string // unique in the config
	Trigger Trigger
	Plugin  string          // name of a plugin in the config; "" with SetMode
	Action  string          // what to ask of it; "" where it does only one thing
	Params  json.RawMessage // JSON object, keys sorted, no spaces; at least {}

	SetMode   string // the mode to set, in place of a plugin to call
	Momentary bool   // until the trigger's key comes up
}
