// Serves govmomi's vCenter simulator on a loopback port until SIGTERM, so that the harness can be tried on a server that
// somebody else wrote. Prints one line: listening on URL.
package main

import (
	"crypto/tls"
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
	secure := flag.Bool("tls", false, "serve https")
	machines := flag.Int("vm", 2, "VMs in each resource pool")
	certificate := flag.Bool("ca", false, "with -tls: print the file of the certificate too")
	flag.Parse()

	model := simulator.VPX()
	model.Machine = *machines
	if err := model.Create(); err != nil {
		log.Fatal(err)
	}
	if *secure {
		model.Service.TLS = new(tls.Config)
	}
	model.Service.Listen = &url.URL{Host: *listen}
	server := model.Service.NewServer()
	at := *server.URL
	at.User = nil
	fmt.Printf("listening on %s\n", at.String())
	if *certificate {
		file, err := server.CertificateFile()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("certificate in %s\n", file)
	}

	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGINT, syscall.SIGTERM)
	<-ended
	server.Close()
	model.Remove()
}
