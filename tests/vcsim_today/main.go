// Serves govmomi's vCenter simulator of today on a loopback port until SIGTERM, for the benchmark that sets ours beside it
// and for runs that start it themselves.
// Prints one line: listening on URL.
package main

import (
	"flag"
	"fmt"
	"log"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"github.com/vmware/govmomi/simulator"
)

func main() {
	listen := flag.String("l", "127.0.0.1:0", "address")
	machines := flag.Int("vm", 2, "VMs in each resource pool")
	flag.Parse()

	model := simulator.VPX()
	model.Machine = *machines
	if err := model.Create(); err != nil {
		log.Fatal(err)
	}
	model.Service.Listen = &url.URL{Host: *listen}
	server := model.Service.NewServer()
	at := *server.URL
	at.User = nil
	fmt.Printf("listening on %s\n", at.String())

	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGINT, syscall.SIGTERM)
	<-ended
	server.Close()
	model.Remove()
}
