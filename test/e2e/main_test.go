package e2e

import (
	"os"
	"testing"

	"github.com/creativeflow/aigen/internal/testprogram"
)

func TestMain(m *testing.M) { os.Exit(testprogram.Main(m)) }
