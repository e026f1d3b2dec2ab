package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"

	"istio.io/istio/pkg/test"
)

// scope is the life of one control plane: what Istio's test code expects of a *testing.T.
type scope struct {
	lock     sync.Mutex
	failed   error
	cleanups []func()
}

var _ test.Failer = &scope{}

func newScope() *scope { return &scope{} }

// run calls f and returns what it died of, if it did.
func (s *scope) run(f func()) error {
	done := make(chan struct{})
	go func() { // Fatal ends the goroutine that calls it
		defer close(done)
		f()
	}()
	<-done
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.failed
}

func (s *scope) close() {
	s.lock.Lock()
	cleanups := s.cleanups
	s.cleanups = nil
	s.lock.Unlock()
	for i := len(cleanups) - 1; i >= 0; i-- {
		cleanups[i]()
	}
}

func (s *scope) Fatal(args ...any) {
	s.lock.Lock()
	if s.failed == nil {
		s.failed = errors.New(fmt.Sprint(args...))
	}
	s.lock.Unlock()
	runtime.Goexit()
}

func (s *scope) Cleanup(f func()) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.cleanups = append(s.cleanups, f)
}

func (s *scope) TempDir() string {
	directory, err := os.MkdirTemp("", "mesh")
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = os.RemoveAll(directory) })
	return directory
}

func (s *scope) Fail()                             { s.Fatal("failed") }
func (s *scope) FailNow()                          { s.Fatal("failed") }
func (s *scope) Fatalf(format string, args ...any) { s.Fatal(fmt.Sprintf(format, args...)) }
func (s *scope) Skip(args ...any)                  { s.Fatal(args...) }
func (s *scope) Helper()                           {}
func (s *scope) Log(args ...any)                   { fmt.Fprintln(os.Stderr, args...) }
func (s *scope) Logf(format string, args ...any)   { fmt.Fprintf(os.Stderr, format+"\n", args...) }
