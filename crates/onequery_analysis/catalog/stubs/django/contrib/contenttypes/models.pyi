# https://docs.djangoproject.com/en/5.2/ref/contrib/contenttypes/#the-contenttype-model
from django.db import models

class ContentType(models.Model):
    app_label = models.CharField(max_length=100)
    model = models.CharField(max_length=100)
