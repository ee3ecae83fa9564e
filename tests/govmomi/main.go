// Logs in to a vCenter as programs do that use govmomi, lists its VMs, powers one off twice and prints what came of it: the
// names in one line, the state of the first task, the type of the second one's fault.
// Usage: govmomi-client https://USER:PASSWORD@HOST:PORT/sdk VM
package main

import (
	"context"
	"fmt"
	"log"
	"net/url"
	"os"
	"strings"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/task"
	"github.com/vmware/govmomi/view"
	"github.com/vmware/govmomi/vim25/mo"
)

func main() {
	ctx := context.Background()
	at, err := url.Parse(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	client, err := govmomi.NewClient(ctx, at, true)
	if err != nil {
		log.Fatal(err)
	}
	all, err := view.NewManager(client.Client).CreateContainerView(
		ctx, client.ServiceContent.RootFolder, []string{"VirtualMachine"}, true)
	if err != nil {
		log.Fatal(err)
	}
	var found []mo.VirtualMachine
	if err := all.Retrieve(ctx, []string{"VirtualMachine"}, []string{"name"}, &found); err != nil {
		log.Fatal(err)
	}
	var names []string
	var chosen *object.VirtualMachine
	for _, each := range found {
		names = append(names, each.Name)
		if each.Name == os.Args[2] {
			chosen = object.NewVirtualMachine(client.Client, each.Reference())
		}
	}
	fmt.Println(strings.Join(names, " "))
	for i := 0; i < 2; i++ {
		begun, err := chosen.PowerOff(ctx)
		if err != nil {
			log.Fatal(err)
		}
		info, err := begun.WaitForResult(ctx, nil)
		if fault, is := err.(task.Error); is {
			fmt.Printf("%T\n", fault.Fault())
		} else if err != nil {
			log.Fatal(err)
		} else {
			fmt.Println(info.State)
		}
	}
	if err := client.Logout(ctx); err != nil {
		log.Fatal(err)
	}
}
