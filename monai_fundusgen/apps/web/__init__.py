"""What the apps that speak to browsers share: guarded requests, listening, tokens of persons, files of pages."""
