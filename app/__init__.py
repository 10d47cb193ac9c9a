"""Composition: settings, command line, web app, GraphQL assembly, worker, wiring of adapters to ports."""
