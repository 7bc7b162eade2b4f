# https://docs.djangoproject.com/en/5.2/ref/contrib/sites/#django.contrib.sites.models.Site
from django.db import models

class Site(models.Model):
    domain = models.CharField(max_length=100, unique=True)
    name = models.CharField(max_length=50)

    class Meta:
        ordering = ["domain"]
