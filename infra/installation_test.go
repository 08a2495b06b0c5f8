package infra_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBucketsAreClosed(t *testing.T) {
	eachInstallation(t, func(t *testing.T, in installation) {
		closed, encrypted, tls := map[string]bool{}, map[string]bool{}, map[string]bool{}
		for _, r := range in.of(t, "aws_s3_bucket_public_access_block") {
			all := true
			for _, way := range []string{"block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"} {
				all = all && r.values[way] == true
			}
			closed[r.text("bucket")] = all
		}
		for _, r := range in.of(t, "aws_s3_bucket_server_side_encryption_configuration") {
			encrypted[r.text("bucket")] = true
		}
		for _, r := range in.of(t, "aws_s3_bucket_policy") {
			for _, s := range statements(t, r, "policy") {
				if s.Effect == "Deny" && s.Condition["Bool"]["aws:SecureTransport"] == "false" && slices.Equal(s.Action, []string{"s3:*"}) && len(s.Resource) == 2 {
					tls[r.text("bucket")] = true
				}
			}
		}
		buckets := in.of(t, "aws_s3_bucket")
		if len(buckets) != 2 {
			t.Errorf("%d buckets, want uploads and slides", len(buckets))
		}
		for _, b := range buckets {
			name := b.text("bucket")
			if !closed[name] || !encrypted[name] || !tls[name] {
				t.Errorf("bucket %s: closed to the public %v, encrypted %v, by TLS only %v", name, closed[name], encrypted[name], tls[name])
			}
		}
	})
}

func TestNewUploadsReachTheImportQueue(t *testing.T) {
	eachInstallation(t, func(t *testing.T, in installation) {
		want := readSettings(t).Storage.Uploads
		notification := in.of(t, "aws_s3_bucket_notification")[0]
		var queues []struct {
			Queue  string   `json:"queue_arn"`
			Events []string `json:"events"`
			Prefix string   `json:"filter_prefix"`
			Suffix string   `json:"filter_suffix"`
		}
		notification.decode(t, "queue", &queues)
		if in.name == "full" { // by the event bus
			var pattern struct {
				Detail struct {
					Bucket struct{ Name []string }
					Object struct{ Key []map[string]string }
				}
			}
			rule := in.of(t, "aws_cloudwatch_event_rule")[0]
			if err := json.Unmarshal([]byte(rule.text("event_pattern")), &pattern); err != nil {
				t.Fatal(err)
			}
			if len(queues) != 0 || notification.values["eventbridge"] != true ||
				!slices.Equal(pattern.Detail.Bucket.Name, []string{notification.text("bucket")}) ||
				len(pattern.Detail.Object.Key) != 1 || pattern.Detail.Object.Key[0]["prefix"] != want.Prefix {
				t.Errorf("the rule is %s, besides %d notifications", rule.text("event_pattern"), len(queues))
			}
			if target := in.of(t, "aws_cloudwatch_event_target")[0]; short(target.text("arn")) != "queue import" {
				t.Errorf("the rule sends to %s", target.text("arn"))
			}
			return
		}
		if len(queues) != 1 || short(queues[0].Queue) != "queue import" || queues[0].Prefix != want.Prefix ||
			queues[0].Suffix != want.Suffix || !slices.Equal(queues[0].Events, want.Events) {
			t.Errorf("notifications %+v, want events %v of %s*%s to the import queue", queues, want.Events, want.Prefix, want.Suffix)
		}
	})
}

func TestQueuesAreThoseOfTheSettings(t *testing.T) {
	eachInstallation(t, func(t *testing.T, in installation) {
		s := readSettings(t)
		made := map[string]resource{}
		for _, r := range in.of(t, "aws_sqs_queue") {
			made[strings.TrimPrefix(r.text("name"), s.Name+"-")] = r
		}
		for role, q := range s.Queues {
			if role == "large" && in.name == "minimal" {
				continue // nobody would work on it
			}
			queue, dead := made[q.Name], made[q.DeadLetterName]
			var redrive struct {
				Target string `json:"deadLetterTargetArn"`
				Max    int    `json:"maxReceiveCount"`
			}
			if err := json.Unmarshal([]byte(queue.text("redrive_policy")), &redrive); err != nil {
				t.Errorf("queue %s has no redrive policy: %v", q.Name, err)
			}
			got := queueSettings{
				Name: strings.TrimPrefix(queue.text("name"), s.Name+"-"), DeadLetterName: strings.TrimPrefix(short(redrive.Target), "queue "),
				VisibilitySeconds: queue.number("visibility_timeout_seconds"), MaxReceiveCount: redrive.Max,
				RetentionSeconds: queue.number("message_retention_seconds"), DeadLetterRetentionSeconds: dead.number("message_retention_seconds"),
			}
			if diff := cmp.Diff(q, got); diff != "" {
				t.Errorf("queue %s (-settings.json +made):\n%s", role, diff)
			}
			if queue.values["sqs_managed_sse_enabled"] != true || dead.values["sqs_managed_sse_enabled"] != true {
				t.Errorf("queue %s is not encrypted", role)
			}
		}
	})
}

// functions are the Lambda functions by role.
func (in installation) functions(t *testing.T) map[string]resource {
	t.Helper()
	out := map[string]resource{}
	for _, r := range in.of(t, "aws_lambda_function") {
		out[in.role(r.text("function_name"))] = r
	}
	return out
}

func (r resource) environment(t *testing.T) map[string]string {
	t.Helper()
	var blocks []struct{ Variables map[string]string }
	r.decode(t, "environment", &blocks)
	if len(blocks) != 1 {
		t.Fatalf("%s has no environment", r.Address)
	}
	return blocks[0].Variables
}

func TestFunctionsAreThoseOfTheSettings(t *testing.T) {
	eachInstallation(t, func(t *testing.T, in installation) {
		s := readSettings(t)
		made := in.functions(t)
		groups := map[string]int{}
		for _, g := range in.of(t, "aws_cloudwatch_log_group") {
			groups[g.text("name")] = g.number("retention_in_days")
		}
		roles := map[string]string{}
		for role, want := range s.Functions {
			f, ok := made[role]
			if !ok {
				t.Errorf("there is no function %s", role)
				continue
			}
			got := fmt.Sprint(f.number("memory_size"), f.number("timeout"), ephemeral(t, f))
			if got != fmt.Sprint(want.MemoryMB, want.TimeoutSeconds, want.EphemeralMB) {
				t.Errorf("function %s has memory, time and disk %s, settings.json says %+v", role, got, want)
			}
			if of, taken := roles[f.text("role")]; taken {
				t.Errorf("%s and %s have one role", role, of)
			}
			roles[f.text("role")] = role
			var logging []struct {
				Group string `json:"log_group"`
			}
			f.decode(t, "logging_config", &logging)
			if len(logging) != 1 || groups[logging[0].Group] == 0 {
				t.Errorf("function %s logs to %+v, which keeps everything for ever", role, logging)
			}
		}
		for group, days := range groups {
			if days == 0 {
				t.Errorf("log group %s keeps everything for ever", group)
			}
		}
	})
}

func ephemeral(t *testing.T, f resource) int {
	t.Helper()
	var blocks []struct{ Size int }
	f.decode(t, "ephemeral_storage", &blocks)
	if len(blocks) != 1 {
		t.Fatalf("%s does not say how much disk it has", f.Address)
	}
	return blocks[0].Size
}

func TestBatchesFailInPart(t *testing.T) {
	eachInstallation(t, func(t *testing.T, in installation) {
		s := readSettings(t)
		got := map[string]int{}
		for _, m := range in.of(t, "aws_lambda_event_source_mapping") {
			queue := strings.TrimPrefix(short(m.text("event_source_arn")), "queue ")
			got[queue] = m.number("batch_size")
			var types []string
			m.decode(t, "function_response_types", &types)
			if !slices.Equal(types, []string{"ReportBatchItemFailures"}) {
				t.Errorf("the mapping of queue %s reports %v: one bad message has its batch delivered again", queue, types)
			}
		}
		want := map[string]int{}
		for _, f := range s.Functions {
			if f.Queue != "" {
				want[s.Queues[f.Queue].Name] = f.BatchSize
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("batch sizes of queues (-settings.json +made):\n%s", diff)
		}
	})
}

func TestEnvironmentsAreSettingsOfTheProgram(t *testing.T) {
	eachInstallation(t, func(t *testing.T, in installation) {
		for role, f := range in.functions(t) {
			environment := f.environment(t)
			c := checkEnvironment(t, in.name+" "+role, environment)
			if c != nil && !strings.HasPrefix(c.Store.SlidesURL, "s3://") {
				t.Errorf("%s: STORE_URL is %q", role, c.Store.SlidesURL)
			}
			if _, cached := environment["CACHE_URL"]; cached != (in.name == "full" && role == "tiles") {
				t.Errorf("%s has a cache: %v", role, cached)
			}
		}
		for _, task := range in.any("aws_ecs_task_definition") {
			var containers []struct {
				Name        string
				Environment []struct{ Name, Value string }
			}
			if err := json.Unmarshal([]byte(task.text("container_definitions")), &containers); err != nil {
				t.Fatal(err)
			}
			for _, c := range containers {
				environment := map[string]string{}
				for _, e := range c.Environment {
					environment[e.Name] = e.Value
				}
				if loaded := checkEnvironment(t, in.name+" "+c.Name, environment); loaded != nil {
					checkAttempts(t, c.Name, loaded, readSettings(t).Queues[readSettings(t).Worker.Queue])
				}
			}
		}
	})
}

// TestFrontsAndRepliesAgree: a function replies in whole to an HTTP API, and as
// a stream behind a function URL with response streaming.
func TestFrontsAndRepliesAgree(t *testing.T) {
	eachInstallation(t, func(t *testing.T, in installation) {
		made := in.functions(t)
		response := func(role string) string { return made[role].environment(t)["LAMBDA_RESPONSE"] }
		routes := map[string]string{}
		integrations := map[string]string{}
		for _, r := range in.of(t, "aws_apigatewayv2_integration") {
			integrations[r.text("id")] = r.text("description")
			if response(r.text("description")) != "buffered" {
				t.Errorf("%s streams, behind an HTTP API", r.text("description"))
			}
		}
		for _, r := range in.of(t, "aws_apigatewayv2_route") {
			routes[r.text("route_key")] = integrations[strings.TrimPrefix(r.text("target"), "integrations/")]
		}
		want := map[string]string{"$default": "metadata"}
		if in.name == "minimal" {
			want["GET /image/{id}/{name}/tile/{tile+}"] = "tiles"
			want["GET /image/{id}/{name}/normalized-tile/{tile+}"] = "tiles"
			want["GET /image/{id}/{files}/{level}/{tile}"] = "tiles"
		} else {
			want["ANY "+readSettings(t).Render.Environment["API_BASE_PATH"]+"/{path+}"] = "render"
		}
		if diff := cmp.Diff(want, routes); diff != "" {
			t.Errorf("routes (-want +got):\n%s", diff)
		}
		for _, url := range in.any("aws_lambda_function_url") {
			if url.text("authorization_type") != "AWS_IAM" {
				t.Errorf("%s is open to everybody", url.Address)
			}
			if role := in.role(url.text("function_name")); url.text("invoke_mode") == "RESPONSE_STREAM" && response(role) != "stream" {
				t.Errorf("%s replies in whole behind a URL that streams", role)
			}
		}
		for _, p := range in.of(t, "aws_lambda_permission") {
			if p.text("source_arn") == "" || p.text("principal") == "*" {
				t.Errorf("%s lets everybody of %s in", p.Address, p.text("principal"))
			}
		}
	})
}

// TestWhatNeedsLibvipsIsPassedOn: by a package to the image behind the HTTP API,
// which asks for the same credentials; full has the image.
func TestWhatNeedsLibvipsIsPassedOn(t *testing.T) {
	eachInstallation(t, func(t *testing.T, in installation) {
		made := in.functions(t)
		render, ok := made["render"]
		if ok != (in.name == "full") {
			t.Fatalf("there is a function render: %v", ok)
		}
		want := map[string]string{} // who passes on, and where to
		if ok {
			environment := render.environment(t)
			want["metadata"] = in.of(t, "aws_apigatewayv2_api")[0].text("api_endpoint") + environment["API_BASE_PATH"]
			if render.text("package_type") != "Image" || made["tiles"].text("package_type") != "Image" || environment["LAMBDA_RESPONSE"] != "buffered" {
				t.Errorf("render is %s and replies %s, tiles in the VPC is %s: expected images, the first buffered behind an HTTP API",
					render.text("package_type"), environment["LAMBDA_RESPONSE"], made["tiles"].text("package_type"))
			}
			for _, name := range []string{"AUTH", "GRANT_KEYS", "JWT_JWKS_URL", "STORE_URL"} {
				if of := made["metadata"].environment(t)[name]; environment[name] != of || of == "" {
					t.Errorf("render has another %s than metadata, which passes requests on to it", name)
				}
			}
		}
		got := map[string]string{}
		for role, f := range made {
			if to, passes := f.environment(t)["FORWARD_URL"]; passes {
				got[role] = to
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("FORWARD_URL (-want +got):\n%s", diff)
		}
	})
}

func TestEverythingIsTagged(t *testing.T) {
	eachInstallation(t, func(t *testing.T, in installation) {
		tagged := 0
		for _, r := range in.resources {
			tags, ok := r.values["tags_all"].(map[string]any)
			if !ok {
				continue // takes no tags
			}
			tagged++
			for _, name := range []string{"Project", "Environment", "ManagedBy"} {
				if tags[name] == nil {
					t.Errorf("%s has no tag %s", r.Address, name)
				}
			}
		}
		if tagged < 20 {
			t.Errorf("only %d resources take tags", tagged)
		}
	})
}

func TestNothingCostsWhileNobodyLooks(t *testing.T) {
	// Of these every one is paid by the hour.
	byTheHour := map[string][]string{
		"minimal": {},
		"full":    {"aws_elasticache_replication_group"},
	}
	hourly := []string{"aws_nat_gateway", "aws_lb", "aws_instance", "aws_db_instance", "aws_elasticache_replication_group",
		"aws_elasticache_cluster", "aws_eip", "aws_lambda_provisioned_concurrency_config"}
	eachInstallation(t, func(t *testing.T, in installation) {
		found := map[string]bool{}
		for _, r := range in.resources {
			if slices.Contains(hourly, r.Type) {
				found[r.Type] = true
			}
			if r.Type == "aws_vpc_endpoint" && r.text("vpc_endpoint_type") != "Gateway" {
				t.Errorf("%s is paid by the hour", r.Address)
			}
			if r.Type == "aws_ecs_service" && r.number("desired_count") != 0 {
				t.Errorf("%s runs always", r.Address)
			}
		}
		if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, byTheHour[in.name]) && len(got)+len(byTheHour[in.name]) > 0 {
			t.Errorf("paid by the hour: %v, want %v", got, byTheHour[in.name])
		}
	})
}

// TestBrowsersMaySendParts: the web page sends parts with their checksums to
// presigned URLs, and completes the upload with the ETags.
func TestBrowsersMaySendParts(t *testing.T) {
	eachInstallation(t, func(t *testing.T, in installation) {
		seen := 0
		for _, r := range in.any("aws_s3_bucket_cors_configuration") {
			if short("arn:aws:s3:::"+r.text("bucket")) != "bucket uploads" {
				continue
			}
			var rules []struct {
				Methods []string `json:"allowed_methods"`
				Headers []string `json:"allowed_headers"`
				Expose  []string `json:"expose_headers"`
				Origins []string `json:"allowed_origins"`
			}
			r.decode(t, "cors_rule", &rules)
			for _, rule := range rules {
				seen++
				if !slices.Equal(rule.Methods, []string{"PUT"}) || !allowsHeader(rule.Headers, "x-amz-checksum-crc32c") ||
					!slices.Contains(rule.Expose, "ETag") || slices.Contains(rule.Origins, "*") {
					t.Errorf("%s: %+v: expected PUT with x-amz-checksum-crc32c from named origins, and ETag to be read", r.Address, rule)
				}
			}
		}
		if want := map[string]int{"full": 1}[in.name]; seen != want { // minimal names no origins
			t.Errorf("%d rules for the uploads, want %d", seen, want)
		}
	})
}

// allowsHeader reads patterns as S3 does: at most one * in each.
func allowsHeader(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		before, after, any := strings.Cut(strings.ToLower(pattern), "*")
		return pattern == name || any && strings.HasPrefix(name, before) && strings.HasSuffix(name, after)
	})
}

// TestGrantsReachTheFunctionsThatCheckThem: full asks for them in its tests.
func TestGrantsReachTheFunctionsThatCheckThem(t *testing.T) {
	eachInstallation(t, func(t *testing.T, in installation) {
		for role, f := range in.functions(t) {
			environment := f.environment(t)
			answers := role == "tiles" || role == "metadata" || role == "render"
			if _, has := environment["GRANT_KEYS"]; has != (answers && in.name == "full") {
				t.Errorf("%s has GRANT_KEYS: %v", role, has)
			}
			if in.name == "full" && answers && environment["AUTH"] != "jwt,signed" {
				t.Errorf("%s has AUTH %q", role, environment["AUTH"])
			}
		}
	})
}
