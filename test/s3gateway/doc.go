// Package s3gateway gives tests a real S3 server over HTTP on this machine:
// versitygw, with a temporary folder behind it.
//
//	func TestMain(m *testing.M) { s3gateway.Main(m) }
//
//	func TestSomething(t *testing.T) {
//		gw := s3gateway.Start(t)
//		gw.Bucket(t, "slides")
//		cmd := exec.Command("…/bin/pims", "serve")
//		cmd.Env = append(os.Environ(), gw.Env()...)
//		…
//	}
//
// Main is needed because the gateway moves the working folder of its process and
// allows one instance a process: Start runs the test's own binary again, as the
// gateway. It ends with the test, and also when the test is killed. The folder
// must be able to hold extended attributes (TMPDIR chooses another one).
package s3gateway
