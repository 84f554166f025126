// A MongoDB-compatible server for tests: FerretDB with its SQLite backend, on a directory and an address of the loopback.
//
// It prints one line with the address it listens on, and ends when it is told to or when its standard input closes.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	directory := flag.String("directory", "", "where the databases lie")
	address := flag.String("address", "127.0.0.1:0", "what to listen on")
	remove := flag.Bool("remove", false, "whether the directory is removed at the end")
	flag.Parse()
	if *directory == "" {
		fmt.Fprintln(os.Stderr, "name a -directory")
		os.Exit(2)
	}
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: *address},
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
		Handler:   "sqlite",
		SQLiteURL: "file:" + *directory + "/",
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		// A test that is killed closes the pipe; no server is left behind.
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	go func() { fmt.Println("URL", server.MongoDBURI()) }()
	err = server.Run(ctx)
	if *remove {
		_ = os.RemoveAll(*directory)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
