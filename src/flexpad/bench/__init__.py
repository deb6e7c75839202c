"""Systems side by side: the same data, the same budget, the same report, job by job.

plan        what is compared on what, and the jobs that makes
data        manifests of the data sets, rendered or read
job         one job: train, score, measure; a process of its own
schedule    jobs on a few processes, resumable after any interruption
results     what jobs found, as rows of CSV
subjects    their errors by test subject, which is all that differences need
difference  whether two systems differ, over subjects and seeds
table       the rows as tables in the form of the paper
"""
