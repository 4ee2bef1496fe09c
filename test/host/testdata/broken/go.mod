module tcenvsvr

go 1.26
