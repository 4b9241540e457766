package main

import "sync/atomic"

// snapshot is a list that is only exchanged as a whole: who reads it needs no
// lock, and goes on with the one that was there when it began. Writers settle
// among themselves who is next.
type snapshot[T any] struct{ list atomic.Pointer[[]T] }

// all returns the list, which nobody may change.
func (s *snapshot[T]) all() []T {
	if list := s.list.Load(); list != nil {
		return *list
	}
	return nil
}

// set puts another list in its place, which is the snapshot's from then on.
func (s *snapshot[T]) set(list []T) { s.list.Store(&list) }

// add puts a list with one more in its place.
func (s *snapshot[T]) add(one T) {
	list := s.all()
	s.set(append(list[:len(list):len(list)], one))
}
