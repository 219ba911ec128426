document.title = "Rookery";
