package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/creativeflow/aigen/internal/config"
)

func newHealthcheckCommand() *cobra.Command {
	var url string
	cmd := &cobra.Command{
		Use: "healthcheck", Short: "Ask the running service whether it can do its work", Args: noArgs,
		Long: "Exits 0 if /readyz answers 200 within 3 seconds, 1 if not. For a container's HEALTHCHECK.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if url == "" {
				c, err := loadSettings()
				if err != nil {
					return err
				}
				// Not CALLBACK_BASE_URL: that is the engine's way in, not ours.
				c.Callback.BaseURL = ""
				url = config.LocalURL(c.Server.ListenAddr)
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), 3*time.Second)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(url, "/")+"/readyz", nil)
			if err != nil {
				return &exitError{exitUsage, fmt.Errorf("--url: %w", err)}
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				return fmt.Errorf("the service does not answer: %w", err)
			}
			defer res.Body.Close()
			if res.StatusCode != http.StatusOK {
				return fmt.Errorf("the service is not ready: %s", res.Status)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "ready")
			return err
		},
	}
	cmd.Flags().StringVar(&url, "url", "", "base URL of the service (default: that of LISTEN_ADDR)")
	return cmd
}
