package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// job is what a callback must know of a job.
type job struct {
	final                       bool
	id, generation, user, token string
}

// readJob takes the few fields out of a job that the stand-in for n8n needs. It is not
// parsed: the load must cost less than what is measured.
func readJob(m amqp.Delivery) job {
	field := func(name string) string { return string(value(m.Body, `"`+name+`":"`)) }
	return job{
		final: m.Type == "final_generation", id: m.MessageId, generation: m.CorrelationId,
		user: field("userId"), token: field("token"),
	}
}

// callback is the request by which an engine reports that the job is done.
func (j job) callback() []byte {
	headers := "Authorization: Bearer " + j.token + "\r\n"
	if j.final {
		return post("/api/v1/callbacks/n8n", headers, fmt.Sprintf(`{"generationId":"%s","jobId":"%s","status":"success",`+
			`"stage":"final_asset_generated","results":{"sampleAssets":[],"finalAssetId":"final-1",`+
			`"finalAsset":{"assetId":"final-1","url":"https://assets.example.com/%s/final.png","width":1080,"height":1080,"format":"png"},`+
			`"aiModelUsed":"sdxl-1.0","metadata":{}},"error":null}`, j.generation, j.id, j.generation))
	}
	asset := func(n int) string {
		return fmt.Sprintf(`{"assetId":"sample-%d","url":"https://assets.example.com/%s/%d.png","width":512,"height":512,"format":"png"}`, n, j.generation, n)
	}
	return post("/api/v1/callbacks/n8n", headers, fmt.Sprintf(`{"generationId":"%s","jobId":"%s","status":"success",`+
		`"stage":"samples_generated","results":{"sampleAssets":[%s,%s,%s,%s],"finalAssetId":null,"finalAsset":null,`+
		`"aiModelUsed":"sdxl-1.0","metadata":{}},"error":null}`, j.generation, j.id, asset(1), asset(2), asset(3), asset(4)))
}

// measureCallbacks first orders samples, then reports all of them, nothing else going
// on but the notifications that follow.
func (b *bench) measureCallbacks(ctx context.Context) error {
	n := 3000 * int(b.o.length.Seconds())
	s, err := b.startSystem(ctx, 1, "", nil)
	if err != nil {
		return err
	}
	requests, err := s.orderSamples(ctx, n)
	if err != nil {
		return errors.Join(err, s.stop())
	}
	profiled := s.profile(ctx, "callbacks", b.o.length/2)
	before := b.spent(s.services)
	o, err := load{
		targets: []string{s.services[0].address}, connections: 128, length: time.Hour, most: n, want: 200,
		request: func(i int) []byte { return requests[i] },
	}.run(ctx)
	err = errors.Join(err, profiled())
	if err != nil {
		return errors.Join(err, s.stop())
	}
	b.report.add("callbacks, 128", "/s", o.rate())
	b.report.times("callbacks, 128", &o.times)
	b.addSpent("callbacks, 128", before, b.spent(s.services), float64(n))
	return s.drop(ctx)
}

// orderSamples asks for n generations and waits for their jobs; it returns the
// callbacks that end them.
func (s *system) orderSamples(ctx context.Context, n int) ([][]byte, error) {
	var mu sync.Mutex
	requests := make([][]byte, 0, n)
	all := make(chan struct{})
	err := s.queue.consume(func(m amqp.Delivery) {
		request := readJob(m).callback()
		mu.Lock()
		defer mu.Unlock()
		if requests = append(requests, request); len(requests) == n {
			close(all)
		}
	})
	if err != nil {
		return nil, err
	}
	_, err = load{
		targets: []string{s.services[0].address}, connections: 128, length: time.Hour, most: n, want: 202,
		request: func(i int) []byte { return s.b.users[i%len(s.b.users)].create },
	}.run(ctx)
	if err != nil {
		return nil, err
	}
	select {
	case <-all:
		return requests, nil
	case <-time.After(time.Minute):
		return nil, errors.New("the jobs did not arrive within a minute")
	}
}
