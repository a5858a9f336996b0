"""The main way through: data -> train -> export -> bench -> report.

    folder = dataset.locate()
    trained = train(TrainRequest(...), folder.path)
    exported = export(ExportRequest(...), folder.path)
    run = bench(BenchRequest(...), folder.path)
    print(markdown_report(run))

Each step writes files that the next one can read on another machine. Nothing here prints.
"""
