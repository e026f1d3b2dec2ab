"""Inventory and configuration → plan, with a finding for everything that a user must know about it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from krm_fn.config.reader import Configs
from krm_fn.plan import exposure, list_findings, service_findings, spaces
from krm_fn.plan.answers import Adoption, Apart, Copy, NamespacePlan, OwnEnvironment, Plan, Route, ServicePlan
from krm_fn.plan.environments import deepest_first, depth, environment_problem, levels, nearest
from krm_fn.plan.inventory import Inventory, Service, Workload
from krm_fn.plan.spaces import Space
from krm_fn.results import Code, Ref, Result

_Chosen = tuple[Service, list[Workload]]  # a Service and the workloads that it selects


def make(inventory: Inventory, configs: Configs) -> Plan:
    """Compute the answers of every Service of which a workload carries the environment label.

    Where there are errors among the results, the Services that they concern are left out.
    """
    results: list[Result] = list(inventory.results)
    services: dict[str, list[Service]] = defaultdict(list)
    workloads: dict[str, list[Workload]] = defaultdict(list)
    for service in inventory.services:
        services[service.ref.namespace].append(service)
    for workload in inventory.workloads:
        workloads[workload.ref.namespace].append(workload)
    planners = [
        _Planner(
            space,
            [one for name in space.names for one in services[name]],
            [one for name in space.names for one in workloads[name]],
            results,
        )
        for space in spaces.spaces(inventory, configs, results)
    ]
    carried: dict[str, set[str]] = defaultdict(set)  # label name → every environment in the list
    for planner in planners:
        carried[planner.label] |= planner.known
    plans = [plan for planner in planners for plan in planner.plans(carried[planner.label])]
    results += list_findings.of_configs(configs, inventory, any(carried.values()))
    adopted = [
        Adoption(workload, planner.label, base)
        for planner in planners
        if (base := planner.base)
        for workload in planner.adopted.values()
    ]
    results += [one for planner in planners for each in planner.apart for one in service_findings.about_apart(each)]
    return Plan(
        tuple(sorted(plans, key=lambda one: _place(one.service))),
        tuple(sorted((one for planner in planners for one in planner.namespaces()), key=lambda one: one.name)),
        tuple(list_findings.without_follow_ups(results)),
        tuple(sorted((one for planner in planners for one in planner.apart), key=lambda one: _place(one.service))),
        tuple(adopted),
        tuple(sorted((one for planner in planners for one in planner.copies), key=lambda one: _place(one.service))),
    )


def _place(service: Service) -> tuple[str, str]:
    return (service.ref.namespace, service.ref.name)


def _order(workload: Workload) -> tuple[str, str, str, str]:
    return (workload.ref.namespace, workload.ref.kind, workload.ref.name, workload.ref.file)


class _Planner:
    """Plans the Services of one namespace, or of several that are joined, and collects the findings about them."""

    def __init__(
        self, space: Space, services: Sequence[Service], workloads: Iterable[Workload], results: list[Result]
    ) -> None:
        self.services = sorted(services, key=lambda one: (one.ref.namespace, one.ref.name, one.ref.file))
        self.space = space
        self.source = space.source
        self.config = space.source.config
        self.results = results
        self.label = self.config.env_label.name
        self.splitter = self.config.env_label.splitter
        self.labelled: list[Workload] = []
        self.apart: list[Apart] = []
        self.base: str | None = None
        self.adopted: dict[int, Workload] = {}  # unlabelled workloads of Services that take part, by identity
        self.copies: list[Copy] = []
        self.by_pair: dict[tuple[str, str, str], list[Workload]] = defaultdict(list)
        for workload in sorted(workloads, key=_order):
            self._add(workload)
        self.known = frozenset(workload.labels[self.label] for workload in self.labelled)

    def _add(self, workload: Workload) -> None:
        value = workload.labels.get(self.label)
        if value is not None:
            if problem := environment_problem(value, self.splitter):
                message = f"{value!r} cannot name an environment: {problem}"
                self._say(Code.LABEL_INVALID, message, workload.ref, f"{workload.labels_field}.{self.label}")
                return
            self.labelled.append(workload)
        elif self.label in workload.object_labels:
            message = (
                f"the label {self.label!r} stands on the {workload.ref.kind} itself, not on its pods, which alone are "
                f"asked for it: put it into {workload.labels_field} as well"
            )
            self._say(Code.LABEL_MISPLACED, message, workload.ref, f"metadata.labels.{self.label}")
        for key, text in workload.labels.items():
            self.by_pair[workload.ref.namespace, key, text].append(workload)

    def namespaces(self) -> Iterator[NamespacePlan]:
        """Yield the namespaces of labelled pods."""
        for name in self.space.names:
            known = self.known
            if self.space.is_joined:
                known = frozenset(one.labels[self.label] for one in self.labelled if one.ref.namespace == name)
            if known:
                yield NamespacePlan(name, known, self.config)

    def plans(self, carried: set[str]) -> list[ServicePlan]:
        """Plan the Services that take part; `carried` is every environment of the whole list."""
        chosen: list[_Chosen] = []
        for service in self.services:
            if service.external:
                self.apart.append(Apart(service, "is an ExternalName, an alias without pods of its own"))
                continue
            if service.selector is None:
                self.apart.append(Apart(service, "has no selector, so no pods of its own"))
                if self.labelled:  # a list without environments is left as it is, without a word
                    message = "has no selector, so no pods of its own: nothing is routed"
                    self._say(Code.NO_SELECTOR, message, service.ref)
                continue
            chosen.append((service, self._select(service.ref.namespace, service.selector)))
        taking_part = [each for together in self._together(chosen) for each in self._part(together)]
        selected_ids = {id(one) for _, selected in chosen for one in selected}
        unselected = [one for one in self.labelled if id(one) not in selected_ids]
        self.results += list_findings.of_unselected(unselected, self.services, self.label)
        self.results += list_findings.of_twins([service for service, _ in taking_part])
        self.base = base = self._base(carried) if taking_part else None
        if base and self.adopted:
            self.known |= {base}
        if self.space.is_joined:
            taking_part += self._copied(taking_part)
        return [self._plan(service, pods, base) for service, pods in taking_part] if base is not None else []

    def _together(self, chosen: Sequence[_Chosen]) -> Iterable[Sequence[_Chosen]]:
        """Return the Services that have the same pods: in joined namespaces all of one name."""
        if not self.space.is_joined:
            return [[one] for one in chosen]
        by_name: dict[str, list[_Chosen]] = defaultdict(list)
        for one in chosen:
            by_name[one[0].ref.name].append(one)
        return by_name.values()

    def _part(self, together: Sequence[_Chosen]) -> list[_Chosen]:
        """Return the Services with all their pods if they take part."""
        pods = [workload for _, selected in together for workload in selected]
        labelled = [one for one in pods if self.label in one.labels]
        whole = [self._is_whole(*one) for one in together if labelled]  # all of them, so that every mistake is told
        if not labelled or not all(whole):
            self.apart += [self._apart(*one) for one in together]
            return []
        services = [service for service, _ in together]
        if self.space.is_joined:
            self.results += spaces.differences(services)
        return [(service, labelled if service.headless else pods) for service in services]

    def _copied(self, taking_part: Sequence[_Chosen]) -> Iterator[_Chosen]:
        """Yield what is missing in a member namespace of the Services that take part."""
        self.copies += spaces.copies(self.space, self.services, [service for service, _ in taking_part])
        pods = {_place(service): found for service, found in taking_part}
        for copy in self.copies:
            if not copy.is_alias:
                yield copy.service, pods[_place(copy.original)]

    def _apart(self, service: Service, selected: Sequence[Workload]) -> Apart:
        present = tuple(one for one in selected if not one.absent)
        if any(self.label in one.labels for one in selected):
            reason = f"is left out, because some of its pods carry the label {self.label!r} and some do not"
        elif present:
            reason = f"has no pods that carry the label {self.label!r}: its requests reach any of its pods"
        else:
            reason = "has no pods: nobody answers it"
        return Apart(service, reason, present)

    def _select(self, namespace: str, selector: Mapping[str, str]) -> list[Workload]:
        pairs = selector.items()
        candidates = min((self.by_pair.get((namespace, *pair), []) for pair in pairs), key=len)
        return [one for one in candidates if pairs <= one.labels.items()]

    def _is_whole(self, service: Service, selected: Sequence[Workload]) -> bool:
        """Tell whether every workload of the Service names its environment; report those that do not."""
        bare = [one for one in selected if self.label not in one.labels] if not service.headless else []
        if self.config.unlabelled == "adopt":
            self.adopted |= {id(one): one for one in bare}
            return True
        for workload in bare:
            message = (
                f"{service.ref} selects its pods, and they carry no label {self.label!r} while others of the Service "
                "do: no route could tell who reaches them; add the label (the base's value if it is the base)"
            )
            self._say(Code.UNLABELLED_WORKLOAD, message, workload.ref, workload.labels_field)
        return not bare

    def _base(self, carried: set[str]) -> str | None:
        """Return the base of the namespace, or None after an error."""
        wanted = self.config.env_label.default_subset
        field = "spec.envLabel.defaultSubset"
        if wanted:
            if wanted in carried or self.adopted:
                return wanted
            close = nearest(carried, wanted)
            message = f"no workload carries the base {wanted!r}" + (f"; did you mean {close!r}?" if close else "")
            self._say(Code.BASE_UNKNOWN, message, self.source.ref, field)
            return None
        roots = sorted(name for name in self.known if depth(name, self.splitter) == 1)
        if not roots:  # the base may live in another namespace of the list
            roots = sorted({levels(name, self.splitter)[-1] for name in self.known} & carried)
        where = str(self.space)
        if len(roots) == 1:
            message = (
                f"the base of {where} is {roots[0]!r}, its only root environment; set {field} to choose it yourself"
            )
            self._say(Code.BASE_ASSUMED, message, self.source.ref)
            return roots[0]
        found = f"it has several root environments: {', '.join(roots)}" if roots else "it has no root environment"
        message = f"{where} has no base, and {found}; set {field} to the one that answers when a request names nobody"
        self._say(Code.BASE_AMBIGUOUS, message, self.source.ref, field)
        return None

    def _plan(self, service: Service, labelled: Sequence[Workload], base: str) -> ServicePlan:
        present: dict[str, list[Workload]] = defaultdict(list)
        absent: dict[str, list[Workload]] = defaultdict(list)
        for workload in labelled:
            environment = workload.labels.get(self.label, base)
            (absent if workload.absent else present)[environment].append(workload)
            if workload.absent and workload.ref.namespace == service.ref.namespace:
                message = f"has no pods ({workload.absent}): {service.ref} routes as if it were not there"
                self._say(Code.SCALED_TO_ZERO, message, workload.ref, f"spec.{workload.absent.partition(':')[0]}")
        if self.space.is_joined:
            self.results += spaces.environments_twice(service.ref.name, self.label, present)
        own = {
            name: OwnEnvironment(name, tuple(present[name]), present[name][0].ref.namespace) for name in sorted(present)
        }
        base_answer = next((name for name in levels(base, self.splitter) if name in own), None)
        plan = ServicePlan(
            service,
            self.config,
            base,
            base_answer,
            own,
            {name: tuple(absent[name]) for name in sorted(absent)},
            self.known,
            self._routes(own.keys(), base_answer),
            exposure.read(service, self.config.env_header, self.results),
            self.space.names if self.space.is_joined else (),
        )
        self.results += service_findings.about(plan)
        return plan

    def _routes(self, own: Iterable[str], base_answer: str | None) -> tuple[Route, ...]:
        own = set(own)
        # The base's own route may go only where no shallower one would catch its requests.
        above = set(levels(base_answer, self.splitter)[1:]) if base_answer else set()
        routed = own if above & own else own - {base_answer}
        if self.config.matching == "prefix":
            return tuple(Route(one, (one,), one + self.splitter) for one in deepest_first(routed, self.splitter))
        answers: dict[str, list[str]] = defaultdict(list)
        for value in self.known:
            answer = next((name for name in levels(value, self.splitter) if name in own), base_answer)
            if answer is not None and answer != base_answer:
                answers[answer].append(value)
        return tuple(Route(one, tuple(sorted(answers[one])), "") for one in deepest_first(answers, self.splitter))

    def _say(self, code: Code, message: str, ref: Ref | None, field: str = "") -> None:
        self.results.append(Result(code, message, ref, field))
