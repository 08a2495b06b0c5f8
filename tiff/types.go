package tiff

import "strconv"

// Type is how the values of an entry are stored (TIFF 6.0 §2; 13 of the
// PageMaker note; 16 to 18 of BigTIFF).
type Type uint16

// The field types.
const (
	Byte      Type = 1
	ASCII     Type = 2
	Short     Type = 3
	Long      Type = 4
	Rational  Type = 5
	SByte     Type = 6
	Undefined Type = 7
	SShort    Type = 8
	SLong     Type = 9
	SRational Type = 10
	Float     Type = 11
	Double    Type = 12
	IFDOffset Type = 13
	Long8     Type = 16
	SLong8    Type = 17
	IFD8      Type = 18
)

// Size is the bytes of one value, 0 for a type that nobody defined.
func (t Type) Size() int64 {
	switch t {
	case Byte, ASCII, SByte, Undefined:
		return 1
	case Short, SShort:
		return 2
	case Long, SLong, Float, IFDOffset:
		return 4
	case Rational, SRational, Double, Long8, SLong8, IFD8:
		return 8
	default:
		return 0
	}
}

// String is the type's name in the specification, or its number.
func (t Type) String() string {
	switch t {
	case Byte:
		return "BYTE"
	case ASCII:
		return "ASCII"
	case Short:
		return "SHORT"
	case Long:
		return "LONG"
	case Rational:
		return "RATIONAL"
	case SByte:
		return "SBYTE"
	case Undefined:
		return "UNDEFINED"
	case SShort:
		return "SSHORT"
	case SLong:
		return "SLONG"
	case SRational:
		return "SRATIONAL"
	case Float:
		return "FLOAT"
	case Double:
		return "DOUBLE"
	case IFDOffset:
		return "IFD"
	case Long8:
		return "LONG8"
	case SLong8:
		return "SLONG8"
	case IFD8:
		return "IFD8"
	default:
		return strconv.Itoa(int(t))
	}
}

// unsigned reports whether values of the type are whole numbers from 0.
func (t Type) unsigned() bool {
	switch t {
	case Byte, Undefined, Short, Long, IFDOffset, Long8, IFD8:
		return true
	default:
		return false
	}
}

// signed reports whether values of the type are whole numbers with a sign.
func (t Type) signed() bool {
	switch t {
	case SByte, SShort, SLong, SLong8:
		return true
	default:
		return false
	}
}
