package infra_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/internal/testfiles"
)

type statement struct {
	Sid       string
	Effect    string
	Action    oneOrMore
	Resource  oneOrMore
	Principal any
	Condition map[string]map[string]any
}

// oneOrMore is a string or a list of them.
type oneOrMore []string

func (o *oneOrMore) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*o = oneOrMore{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(o))
}

func statements(t *testing.T, r resource, attribute string) []statement {
	t.Helper()
	var policy struct{ Statement []statement }
	if err := json.Unmarshal([]byte(r.text(attribute)), &policy); err != nil {
		t.Fatalf("%s: %s is no policy: %v", r.Address, attribute, err)
	}
	return policy.Statement
}

// policies are the places where rights are given.
var policies = map[string]string{
	"aws_iam_role":              "assume_role_policy",
	"aws_iam_role_policy":       "policy",
	"aws_s3_bucket_policy":      "policy",
	"aws_sqs_queue_policy":      "policy",
	"aws_sns_topic_policy":      "policy",
	"aws_vpc_endpoint":          "policy",
	"aws_iam_policy":            "policy",
	"aws_kms_key":               "policy",
	"aws_ecr_repository_policy": "policy",
}

// unnarrowable are the statements whose actions AWS knows no narrower resource for.
var unnarrowable = map[string][]string{
	"NetworkInterfaces": {"ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
		"ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses"},
	"LogInToRegistry": {"ecr:GetAuthorizationToken"},
}

func TestNoRightIsWiderThanItMustBe(t *testing.T) {
	eachInstallation(t, func(t *testing.T, in installation) {
		seen := 0
		for kind, attribute := range policies {
			for _, r := range in.any(kind) {
				for _, s := range statements(t, r, attribute) {
					if s.Effect != "Allow" {
						continue
					}
					seen++
					checkNarrow(t, r, s)
				}
			}
		}
		if seen < 20 {
			t.Errorf("only %d statements were seen", seen)
		}
	})
}

func checkNarrow(t *testing.T, r resource, s statement) {
	t.Helper()
	for _, action := range s.Action {
		if strings.Contains(action, "*") {
			t.Errorf("%s: statement %s allows %s: expected single actions", r.Address, s.Sid, action)
		}
	}
	for _, on := range s.Resource {
		account, path, _ := cutARN(on)
		switch {
		case on == "*":
			if !slices.Equal(slices.Sorted(slices.Values(s.Action)), unnarrowable[s.Sid]) {
				t.Errorf("%s: statement %s allows %v on everything", r.Address, s.Sid, s.Action)
			}
		case strings.Contains(account, "*") || strings.HasPrefix(path, "*"):
			t.Errorf("%s: statement %s allows %v on %s", r.Address, s.Sid, s.Action, on)
		case r.Type == "aws_iam_role_policy" && regexp.MustCompile(`^arn:aws:s3:::[^/]+/\*$`).MatchString(on):
			t.Errorf("%s: statement %s allows %v on all of a bucket: expected a prefix", r.Address, s.Sid, s.Action)
		}
	}
	if s.Principal != nil && openToAll(s.Principal) && r.Type != "aws_vpc_endpoint" {
		t.Errorf("%s: statement %s allows %v to everybody", r.Address, s.Sid, s.Action)
	}
}

// cutARN gives what stands before, and in, an ARN's resource.
func cutARN(arn string) (before, path string, ok bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return arn, "", false
	}
	return strings.Join(parts[:5], ":"), parts[5], true
}

func openToAll(principal any) bool {
	switch p := principal.(type) {
	case string:
		return p == "*"
	case map[string]any:
		return p["AWS"] == "*"
	}
	return false
}

// rights of a role: action → resources, written shortly.
type rights map[string][]string

// short writes an ARN as people would: "slides/slides/*", "queue import".
func short(arn string) string {
	for _, r := range []struct{ pattern, with string }{
		{`^arn:aws:s3:::pims-(\w+)-[^/]+$`, "bucket $1"},
		{`^arn:aws:s3:::pims-\w+-[^/]+/(.+)$`, "$1"},
		{`^arn:aws:sqs:[^:]+:\d+:pims-(.+)$`, "queue $1"},
		{`^arn:aws:logs:[^:]+:\d+:log-group:(.+):\*$`, "log $1"},
		{`^arn:aws:kms:.*$`, "key"},
		{`^arn:aws:ecr:.*$`, "repository"},
	} {
		if p := regexp.MustCompile(r.pattern); p.MatchString(arn) {
			return p.ReplaceAllString(arn, r.with)
		}
	}
	return arn
}

// TestEachRoleMayDoWhatItDoes holds the roles to one list. docs/functions.md has
// it in words; a change here belongs there as well.
func TestEachRoleMayDoWhatItDoes(t *testing.T) {
	eachInstallation(t, func(t *testing.T, in installation) {
		want := wantedRights(in.name)
		for _, r := range in.of(t, "aws_iam_role_policy") {
			role := r.text("role")
			got := rights{}
			for _, s := range statements(t, r, "policy") {
				if s.Effect != "Allow" || s.Sid == "NetworkInterfaces" {
					continue
				}
				for _, action := range s.Action {
					for _, on := range s.Resource {
						got[action] = append(got[action], short(on))
					}
				}
			}
			for action := range got {
				slices.Sort(got[action])
				got[action] = slices.Compact(got[action])
			}
			if diff := cmp.Diff(want[role], got); diff != "" {
				t.Errorf("rights of %s (-want +got):\n%s", role, diff)
			}
			delete(want, role)
		}
		for role := range want {
			t.Errorf("there is no role %s", role)
		}
	})
}

func wantedRights(example string) map[string]rights {
	const slides, uploads, results = "slides/*", "in/*", "slides/results/*"
	logs := func(name string, r rights) rights {
		r["logs:CreateLogStream"], r["logs:PutLogEvents"] = []string{"log " + name}, []string{"log " + name}
		return r
	}
	work := func(queue string, r rights) rights {
		for _, action := range []string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"} {
			r[action] = []string{"queue " + queue}
		}
		return r
	}
	convert := func() rights {
		return rights{
			"s3:GetObject": {slides}, "s3:PutObject": {slides}, "s3:DeleteObject": {slides}, "s3:AbortMultipartUpload": {slides},
			"s3:ListBucket": {"bucket slides"},
		}
	}
	want := map[string]rights{
		"pims-tiles": logs("/aws/lambda/pims-tiles", rights{
			"s3:GetObject": {slides}, "s3:ListBucket": {"bucket slides"},
			"s3:PutObject": {results}, "s3:AbortMultipartUpload": {results},
		}),
		"pims-metadata": logs("/aws/lambda/pims-metadata", rights{
			"s3:GetObject": {uploads, slides}, "s3:ListBucket": {"bucket slides", "bucket uploads"},
			"s3:PutObject": {uploads, slides}, "s3:DeleteObject": {uploads, slides}, "s3:AbortMultipartUpload": {uploads, slides},
			"s3:ListMultipartUploadParts": {uploads},
			"sqs:SendMessage":             {"queue import"}, "sqs:GetQueueAttributes": {"queue import"},
		}),
		"pims-import": logs("/aws/lambda/pims-import", work("import", rights{
			"s3:GetObject": {uploads, slides}, "s3:ListBucket": {"bucket slides", "bucket uploads"},
			"s3:PutObject": {slides}, "s3:DeleteObject": {uploads, slides}, "s3:AbortMultipartUpload": {slides},
			"s3:GetObjectTagging": {uploads}, "s3:PutObjectTagging": {slides},
			"sqs:SendMessage": {"queue convert", "queue import"},
		})),
		"pims-convert": logs("/aws/lambda/pims-convert", work("convert", convert())),
	}
	if example == "full" {
		want["pims-convert"]["sqs:SendMessage"] = []string{"queue convert-large"}
		want["pims-render"] = logs("/aws/lambda/pims-render", rights{
			"s3:GetObject": {slides}, "s3:ListBucket": {"bucket slides"},
			"s3:PutObject": {results}, "s3:AbortMultipartUpload": {results},
		})
		want["pims-worker"] = work("convert-large", convert())
		for role := range want {
			want[role]["kms:Decrypt"], want[role]["kms:GenerateDataKey"] = []string{"key"}, []string{"key"}
		}
		want["pims-worker-start"] = logs("/aws/ecs/pims-worker", rights{
			"ecr:GetAuthorizationToken": {"*"}, "ecr:BatchCheckLayerAvailability": {"repository"},
			"ecr:BatchGetImage": {"repository"}, "ecr:GetDownloadUrlForLayer": {"repository"},
		})
	}
	return want
}

// needs are the rights behind the calls of the SDK.
var needs = map[string]string{
	"GetObject": "s3:GetObject", "HeadObject": "s3:GetObject", "ListObjectsV2": "s3:ListBucket",
	"PutObject": "s3:PutObject", "CopyObject": "s3:PutObject", "CreateMultipartUpload": "s3:PutObject", "UploadPart": "s3:PutObject",
	"UploadPartCopy": "s3:PutObject", "CompleteMultipartUpload": "s3:PutObject", "AbortMultipartUpload": "s3:AbortMultipartUpload",
	"ListParts": "s3:ListMultipartUploadParts", "DeleteObject": "s3:DeleteObject", "DeleteObjects": "s3:DeleteObject",
	"SendMessage": "sqs:SendMessage", "ReceiveMessage": "sqs:ReceiveMessage", "DeleteMessage": "sqs:DeleteMessage",
	"ChangeMessageVisibility": "sqs:ChangeMessageVisibility", "GetQueueAttributes": "sqs:GetQueueAttributes",
}

// callPattern finds calls of the SDK's clients: methods, presigned ones and
// paginators, by the names of their inputs.
var callPattern = regexp.MustCompile(`\b(?:s3|sqs)\.(\w+)Input\b`)

// TestEveryCallOfTheSDKHasARight fails when the code begins to call what no role
// may: then the roles, wantedRights and docs/functions.md need it.
func TestEveryCallOfTheSDKHasARight(t *testing.T) {
	given := map[string]bool{}
	for _, r := range wantedRights("full") {
		for action := range r {
			given[action] = true
		}
	}
	calls := map[string]string{}
	for _, folder := range []string{"internal/objectstore/s3", "internal/queue/sqs"} {
		files, err := filepath.Glob(filepath.Join(testfiles.Root(t), folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", folder, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, m := range callPattern.FindAllStringSubmatch(string(text), -1) {
				calls[m[1]] = filepath.Base(file)
			}
		}
	}
	if len(calls) < 10 {
		t.Errorf("only the calls %v were found", slices.Sorted(maps.Keys(calls)))
	}
	for call, file := range calls {
		if action, ok := needs[call]; !ok || !given[action] {
			t.Errorf("%s calls %s, for which no role has a right (%q)", file, call, action)
		}
	}
}
