"""Every task of the platform, and what runs them: threads of this process, other machines, Celery."""
