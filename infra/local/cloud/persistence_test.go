package cloud_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/act-platform/enhanced-integration/infra/local/cloud"
	"github.com/act-platform/enhanced-integration/shared/fault"
)

func TestStateSurvivesARestart(t *testing.T) {
	t.Parallel()
	for _, keep := range []bool{false, true} {
		t.Run(fmt.Sprintf("in flight is kept: %t", keep), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "new folder", "cloud.db")
			clock := newClock()
			cfg := cloud.Config{Path: path, Now: clock.Now, KeepInFlight: keep, BaseURL: "http://cloud"}
			s, stop := run(t, cfg)
			url, dead := s.pipe(t, ".fifo")
			send := func(s *system, group, id string) *sqs.SendMessageOutput {
				return s.send(t, sqs.SendMessageInput{
					QueueUrl: &url, MessageBody: &id, MessageGroupId: &group, MessageDeduplicationId: &id,
				})
			}
			send(s, "g", "killed")
			s.receive(t, url)
			clock.Advance(time.Second)
			sent := send(s, "g", "received")
			got := s.receive(t, url) // buries the first
			if bodies(got) != "received" {
				t.Fatal(bodies(got))
			}
			send(s, "h", "waiting")
			id := s.secret(t, "act/dev/app", "one")
			s.put(t, id, "two")
			before := fmt.Sprint(s.attributes(t, url), s.attributes(t, dead))
			stop()

			s, stop = run(t, cfg)
			defer stop()
			wantCounts := "2 0 0"
			if keep {
				wantCounts = "1 1 0"
				if after := fmt.Sprint(s.attributes(t, url), s.attributes(t, dead)); after != before {
					t.Fatalf("before %s, after %s", before, after)
				}
			}
			if got := s.counts(t, url); got != wantCounts {
				t.Fatal(got)
			}
			if again := send(s, "g", "received"); *again.MessageId != *sent.MessageId {
				t.Fatal("the deduplication window was forgotten")
			}
			buried := s.receive(t, dead)
			if bodies(buried) != "killed" || buried[0].Attributes["ApproximateReceiveCount"] != "2" {
				t.Fatalf("%+v", buried)
			}
			if keep {
				s.delete(t, url, got[0]) // its receipt is still good
			} else if again := s.receive(t, url); bodies(again) != "waiting" {
				t.Fatalf("%s: what was in flight has had its one receipt", bodies(again))
			}
			if s.stages(t, id) != "one=AWSPREVIOUS two=AWSCURRENT" {
				t.Fatal(s.stages(t, id))
			}
			if next := send(s, "i", "next"); *next.SequenceNumber <= *sent.SequenceNumber {
				t.Fatal("sequence numbers begin anew")
			}
		})
	}
}

func TestDeletionSurvivesARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cloud.db")
	s, stop := run(t, cloud.Config{Path: path})
	url := s.queue(t, "q", nil)
	s.queue(t, "q-longer", nil)
	s.send(t, sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("m")})
	if _, err := s.sqs.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &url}); err != nil {
		t.Fatal(err)
	}
	id := s.secret(t, "s", "v")
	if _, err := s.secrets.DeleteSecret(t.Context(), &secretsmanager.DeleteSecretInput{
		SecretId: &id, ForceDeleteWithoutRecovery: aws.Bool(true),
	}); err != nil {
		t.Fatal(err)
	}
	stop()

	s, stop = run(t, cloud.Config{Path: path})
	defer stop()
	list, err := s.sqs.ListQueues(t.Context(), &sqs.ListQueuesInput{})
	if err != nil || len(list.QueueUrls) != 1 || !strings.HasSuffix(list.QueueUrls[0], "/q-longer") {
		t.Fatalf("%v, %v", list, err)
	}
	if got := s.get(t, "s", ""); got != "ResourceNotFoundException" {
		t.Fatal(got)
	}
	if got := s.counts(t, s.queue(t, "q", nil)); got != "0 0 0" {
		t.Fatal(got)
	}
}

func TestOpenRefusals(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	text := filepath.Join(folder, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("no state\n", 4096)), 0o600); err != nil {
		t.Fatal(err)
	}
	busy := filepath.Join(folder, "busy")
	start(t, cloud.Config{Path: busy})
	cases := map[string]struct {
		path string
		want fault.Kind
	}{
		"another process has it": {busy, fault.Conflict},
		"no state file":          {text, fault.Invalid},
		"a folder":               {folder, fault.Invalid},
		"a file for a folder":    {filepath.Join(text, "state"), fault.Invalid},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opened, err := cloud.Open(cloud.Config{Path: c.path})
			if err == nil {
				opened.Close()
			}
			if fault.KindOf(err) != c.want || !strings.Contains(fault.Message(err), c.path[:len(folder)]) {
				t.Fatalf("%v", err)
			}
		})
	}
}

func TestOnlyTheOwnerReadsTheState(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cloud.db")
	start(t, cloud.Config{Path: path})
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info.Mode(), err)
	}
}

// serveVariable makes the test binary a cloud of its own, on the state file that it names.
const serveVariable = "CLOUD_TEST_SERVE"

// serve is that cloud: it prints its address and serves until it is killed.
func serve(path string) error {
	c, err := cloud.Open(cloud.Config{Path: path})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	os.Stdout.WriteString("http://" + listener.Addr().String() + "\n")
	return http.Serve(listener, c)
}

// TestStateSurvivesAKill sends and receives in another process that is killed in the middle of it: what was answered is there.
func TestStateSurvivesAKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cloud.db")
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), serveVariable+"="+path)
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	address, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	s, closeClients := client(strings.TrimSpace(address))
	defer closeClients()
	url := s.queue(t, "q", nil)
	sent, received := map[string]bool{}, 0
	for i := range 300 {
		if i == 200 {
			if err := command.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		out, err := s.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("m")})
		if err != nil {
			break
		}
		sent[*out.MessageId] = true
		if i%10 == 0 {
			received += len(s.receive(t, url))
		}
	}
	_ = command.Wait() // killed
	if len(sent) < 200 {
		t.Fatalf("%d messages were sent", len(sent))
	}

	again := start(t, cloud.Config{Path: path, Now: time.Now})
	url = again.queue(t, "q", nil)
	counts := 0
	for {
		got := again.receive(t, url)
		if len(got) == 0 {
			break
		}
		for _, m := range got {
			if m.Attributes["ApproximateReceiveCount"] == "2" {
				counts++
			}
			delete(sent, *m.MessageId)
		}
	}
	if len(sent) > 0 || counts < received {
		t.Fatalf("%d messages are lost; %d were received before, %d are known to have been", len(sent), received, counts)
	}
}
