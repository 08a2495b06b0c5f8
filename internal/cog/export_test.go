package cog

// NewTranscode plans to encode anew what could be copied.
func NewTranscode(s Source, o Options) (*Plan, error) {
	p := &Plan{source: s, options: o.orDefault()}
	return p, p.planTranscode("the test wants it")
}
