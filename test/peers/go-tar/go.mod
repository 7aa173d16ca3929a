module sallyport.test/go-tar

go 1.25
