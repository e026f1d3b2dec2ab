// The servers of Argo CD that deliver, in one program: controller|repo-server|cmp-server|applicationsets ARGS, and
// redis ADDRESS: a stand-in for the cache that they share.
//
// Each ends when its stdin does: with the tests that started it, however those end.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/alicebob/miniredis/v2"
	controller "github.com/argoproj/argo-cd/v3/cmd/argocd-application-controller/commands"
	applicationsets "github.com/argoproj/argo-cd/v3/cmd/argocd-applicationset-controller/commands"
	cmpserver "github.com/argoproj/argo-cd/v3/cmd/argocd-cmp-server/commands"
	reposerver "github.com/argoproj/argo-cd/v3/cmd/argocd-repo-server/commands"
	"github.com/spf13/cobra"
)

var parts = map[string]func() *cobra.Command{
	"controller":      controller.NewCommand,
	"repo-server":     reposerver.NewCommand,
	"cmp-server":      cmpserver.NewCommand,
	"applicationsets": applicationsets.NewCommand,
	"redis":           newRedis,
}

func main() {
	if len(os.Args) < 2 || parts[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: argocd-servers controller|repo-server|cmp-server|applicationsets|redis ARGS")
		os.Exit(2)
	}
	command := parts[os.Args[1]]()
	os.Args = os.Args[1:]
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	if err := command.Execute(); err != nil {
		os.Exit(1)
	}
}

func newRedis() *cobra.Command {
	return &cobra.Command{
		Use:  "redis ADDRESS",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			server := miniredis.NewMiniRedis()
			if err := server.StartAddr(args[0]); err != nil {
				return err
			}
			select {}
		},
	}
}
