// Package midi holds the values that travel from a MIDI port to a plugin
// and the sources that need no driver.
//
//	source → Event → Trigger → Mapping
//
// An Event is one complete MIDI message with the port it came from and the
// time it arrived. A Trigger is a compiled condition on an Event; a Mapping
// says which plugin a Trigger calls and with what. MappingSpec and
// TriggerSpec are the same things as a person writes them in the config
// file; compiling them is the only place where they can be refused. A Router
// holds all mappings and finds those that an Event matches.
//
// # Sources
//
// SMF plays a Standard MIDI File, Stream reads raw MIDI bytes, and
// midi/portmidi reads a real port. All have the method
//
//	Run(ctx context.Context, deliver func(*Event)) error
//
// which calls deliver on the goroutine that called Run, so a caller that
// locked its thread keeps it for the whole path. The *Event is valid until
// deliver returns; copy the Event to keep it. Run returns nil at the natural
// end of the source and context.Cause(ctx) once ctx is done.
//
// Nothing between a source and the end of Router.Match allocates for short
// messages. A system exclusive message costs one allocation, its own bytes.
package midi
