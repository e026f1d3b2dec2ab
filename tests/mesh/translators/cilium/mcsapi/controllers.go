// Package controllers stands in for a module that the module proxy does not have. Cilium takes this one name of it, for
// Services of other clusters, which no test here has.
package controllers

// DerivedServiceAnnotation is the annotation of a ServiceImport that names its Service.
const DerivedServiceAnnotation = "multicluster.kubernetes.io/derived-service"
