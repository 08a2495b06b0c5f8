// Package cost tells what a deployment costs: it multiplies what was counted with
// what the units cost. The counts come from a running server or from a file; the
// prices from a file of the user's, or the embedded one, which holds examples.
package cost

// Item is one thing that a provider bills.
type Item struct {
	Key  string // in files of counters and prices
	Unit string
	What string
	// Fixed tells that it is paid whether anybody looks or not: it is no part
	// of the cost of a million tiles.
	Fixed bool
}

// Items is everything that can be billed, in the order of the table.
func Items() []Item {
	return []Item{
		{Key: "function_requests", Unit: "invocations", What: "functions: invocations"},
		{Key: "function_gb_seconds", Unit: "GB-s", What: "functions: memory × time"},
		{Key: "api_requests", Unit: "requests", What: "API gateway"},
		{Key: "s3_gets", Unit: "requests", What: "S3: GET and HEAD"},
		{Key: "s3_puts", Unit: "requests", What: "S3: PUT, COPY, POST, LIST"},
		{Key: "queue_requests", Unit: "requests", What: "queues"},
		{Key: "transfer_gb", Unit: "GB", What: "transfer to the internet"},
		{Key: "cdn_requests", Unit: "requests", What: "CDN: requests"},
		{Key: "cdn_gb", Unit: "GB", What: "CDN: transfer"},
		{Key: "log_gb", Unit: "GB", What: "logs and metrics lines, taken in"},
		{Key: "stored_gb_months", Unit: "GB-months", What: "S3: slides kept", Fixed: true},
		{Key: "metric_months", Unit: "metrics", What: "metrics, a month", Fixed: true},
		{Key: "alarm_months", Unit: "alarms", What: "alarms, a month", Fixed: true},
		{Key: "redis_node_hours", Unit: "hours", What: "Redis nodes", Fixed: true},
		{Key: "worker_vcpu_hours", Unit: "vCPU-hours", What: "workers: processors", Fixed: true},
		{Key: "worker_gb_hours", Unit: "GB-hours", What: "workers: memory", Fixed: true},
	}
}

func itemNamed(key string) bool {
	for _, i := range Items() {
		if i.Key == key {
			return true
		}
	}
	return false
}
