"""The main way through: data -> train -> export -> bench -> report.

    folder = dataset.locate().path
    trained = train(TrainRequest(...), folder)
    exported = export(ExportRequest(...), folder)
    chosen = plan(model_files([...], artifacts), protocols.get("standard"))
    run = bench(BenchRequest(chosen, protocols.get("standard"), find_data(chosen, None, folder)))
    page = markdown_report(run)

Each step writes files that the next one can read on another machine. Nothing here prints.
"""
