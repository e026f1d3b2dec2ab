// What Flux needs around its controllers on one machine: registry ADDRESS, a registry of OCI artifacts in memory, and
// run PROGRAM ARGS, which starts a controller that would outlive the tests.
//
// Each ends when its stdin does: with the tests that started it, however those end.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"syscall"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: flux-servers registry ADDRESS | run PROGRAM ARGS")
		os.Exit(2)
	}
	var err error
	switch os.Args[1] {
	case "registry":
		go untilStdinEnds(func() { os.Exit(0) })
		err = http.ListenAndServe(os.Args[2], registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	case "run":
		err = run(os.Args[2], os.Args[3:])
	default:
		err = fmt.Errorf("no part %q", os.Args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(program string, args []string) error {
	command := exec.Command(program, args...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	// Should this process be killed, the controller is as well.
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		return err
	}
	go untilStdinEnds(func() { _ = command.Process.Kill() })
	return command.Wait()
}

func untilStdinEnds(then func()) {
	_, _ = io.Copy(io.Discard, os.Stdin)
	then()
}
